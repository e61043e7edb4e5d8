/* Preloaded into the ranks of a gang (LD_PRELOAD, by the script `rank` of an attempt's directory):
 * when the program has initialised MPI, looks whether its world has as many ranks as were started.
 * A program that was built for another MPI than the launcher's finds itself alone, does the whole
 * work once per rank and ends well; here it ends instead, and leaves word in a file.
 *
 * No MPI's headers: a compiled program is of one MPI or another, and both must be understood. No
 * symbol of a C library younger than ten years: nodes have others than the machine that built this.
 * Programs that are linked statically load nothing, and are not seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* These moved from libdl to libc in glibc 2.34, under a new version. */
#if defined(__x86_64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5");
__asm__(".symver dlopen,dlopen@GLIBC_2.2.5");
__asm__(".symver dladdr,dladdr@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.17");
__asm__(".symver dlopen,dlopen@GLIBC_2.17");
__asm__(".symver dladdr,dladdr@GLIBC_2.17");
#endif

enum { kExitOfUnjoined = 76, kVersionBytes = 8192, kShownBytes = 80 };

/* A handle of either MPI: an address in Open MPI, a number in MPICH and its descendants. */
typedef union {
    void* address;
    int number;
} Handle;
enum { kMpichWorld = 0x44000000, kMpichNull = 0x04000000 };

typedef int (*InitOf)(int*, char***);
typedef int (*InitThreadOf)(int*, char***, int, int*);

static int is_checked;

struct Search {
    const char* name;
    void* own;
    void* found;
};

static int look_in(struct dl_phdr_info* info, size_t size, void* data) {
    struct Search* search = data;
    (void)size;
    if (info->dlpi_name == NULL || info->dlpi_name[0] == '\0') return 0;
    void* library = dlopen(info->dlpi_name, RTLD_LAZY | RTLD_NOLOAD);
    if (library == NULL) return 0;
    void* symbol = dlsym(library, search->name);
    if (symbol == NULL || symbol == search->own) return 0;
    search->found = symbol;
    return 1;
}

/* The function that would be called without this library. A library that was opened as private (an
 * interpreter's module) is not in the order of search. */
static void* next(const char* name, void* own) {
    void* symbol = dlsym(RTLD_NEXT, name);
    if (symbol != NULL) return symbol;
    struct Search search = {name, own, NULL};
    dl_iterate_phdr(look_in, &search);
    if (search.found == NULL) {
        fprintf(stderr, "tandem: this program has no %s\n", name);
        _exit(kExitOfUnjoined);
    }
    return search.found;
}

/* A symbol of the MPI whose function `init` is. The program's own comes first: a variable of a
 * library is copied into a program that names it, and the library uses that copy. */
static void* of_same(void* init, const char* name) {
    Dl_info info;
    void* symbol = dlsym(RTLD_DEFAULT, name);
    if (symbol != NULL || dladdr(init, &info) == 0 || info.dli_fname == NULL) return symbol;
    void* library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    return library != NULL ? dlsym(library, name) : NULL;
}

static int size_of_world(void* init) {
    void* get = of_same(init, "PMPI_Comm_size");
    void* get_parent = of_same(init, "PMPI_Comm_get_parent");
    if (get == NULL) return -1;
    Handle world = {of_same(init, "ompi_mpi_comm_world")}, parent = {NULL};
    const int is_open_mpi = world.address != NULL;
    int size = -1;
    if (is_open_mpi) {
        /* Programs that others spawn have a world of their own. */
        if (get_parent != NULL && ((int (*)(void**))get_parent)(&parent.address) == 0 &&
            parent.address != of_same(init, "ompi_mpi_comm_null"))
            return -1;
        return ((int (*)(void*, int*))get)(world.address, &size) == 0 ? size : -1;
    }
    /* What its mpi.h calls MPI_DUP_FN: neither of the two without it. */
    if (of_same(init, "MPIR_Dup_fn") == NULL) return -1;
    if (get_parent != NULL && ((int (*)(int*))get_parent)(&parent.number) == 0 &&
        parent.number != kMpichNull)
        return -1;
    return ((int (*)(int, int*))get)(kMpichWorld, &size) == 0 ? size : -1;
}

/* "SIZE RANKS VERSION", all of it or nothing. */
static void leave_word(const char* file, int size, const char* ranks, const char* version) {
    char fresh[4096], text[256];
    const int named = snprintf(fresh, sizeof fresh, "%s.%ld", file, (long)getpid());
    const int length = snprintf(text, sizeof text, "%d %s %s\n", size, ranks, version);
    if (named < 0 || named >= (int)sizeof fresh || length < 0 || length >= (int)sizeof text) return;
    const int out = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0) return;
    const int is_whole = write(out, text, (size_t)length) == length;
    close(out);
    if (!is_whole || rename(fresh, file) != 0) unlink(fresh);
}

static void check(void* init) {
    if (is_checked++) return;
    const char* ranks = getenv("TANDEM_RANKS");
    const char* file = getenv("TANDEM_RANKS_FILE");
    if (ranks == NULL || file == NULL || strlen(ranks) > 9) return;
    const int size = size_of_world(init);
    if (size > 0 && size != atoi(ranks)) {
        static char version[kVersionBytes] = "";
        int length = 0;
        void* get = of_same(init, "PMPI_Get_library_version");
        if (get != NULL) ((int (*)(char*, int*))get)(version, &length);
        version[kShownBytes] = '\0';
        version[strcspn(version, "\n,")] = '\0';
        for (char* at = version; *at; ++at)
            if (*at < ' ' || *at > '~') *at = ' ';
        leave_word(file, size, ranks, version);
        fprintf(stderr, "tandem: %s ranks were started, but MPI says %d\n", ranks, size);
        _exit(kExitOfUnjoined);
    }
    /* What a rank starts is no rank. */
    unsetenv("TANDEM_RANKS");
}

/* The names of C. Those of Fortran, and of tools between, come to one of these. */
int MPI_Init(int* count, char*** words) {
    void* init = next("MPI_Init", (void*)MPI_Init);
    const int code = ((InitOf)init)(count, words);
    if (code == 0) check(init);
    return code;
}

int PMPI_Init(int* count, char*** words) {
    void* init = next("PMPI_Init", (void*)PMPI_Init);
    const int code = ((InitOf)init)(count, words);
    if (code == 0) check(init);
    return code;
}

int MPI_Init_thread(int* count, char*** words, int required, int* provided) {
    void* init = next("MPI_Init_thread", (void*)MPI_Init_thread);
    const int code = ((InitThreadOf)init)(count, words, required, provided);
    if (code == 0) check(init);
    return code;
}

int PMPI_Init_thread(int* count, char*** words, int required, int* provided) {
    void* init = next("PMPI_Init_thread", (void*)PMPI_Init_thread);
    const int code = ((InitThreadOf)init)(count, words, required, provided);
    if (code == 0) check(init);
    return code;
}
