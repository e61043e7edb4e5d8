// heat: how a hot plate cools down, as an MPI program.
//
//   heat --plate plate.csv --readings readings.csv --diffusivity 97 --seconds 120 --cells 384
//
// The plate is a square of a metre whose edges let no heat through. plate.csv has its hot spots at
// the start (x, y and radius in m, temperature in degrees), the rest is at 20 degrees; readings.csv
// what thermometers said at the end (x, y, temperature). The diffusivity is in mm^2/s. The ranks
// hold blocks of rows and exchange the rows at their borders in every step.
//
// Standard output is one line of JSON: how far the readings are from the simulation (`misfit`, a
// root mean square in degrees), and a small picture of the plate (`--picture 0`: none).
// `--output FILE` writes all cells as 32-bit floats. What the scheme must keep is checked over all
// ranks: the heat, and the decay of the slowest waves, which is known exactly; if it is not kept
// the exit status is 1.
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr double kBackground = 20.0;  // degrees
constexpr double kTolerance = 1e-9;   // of the plate's heat
constexpr double kCourant = 0.2;      // dt * diffusivity / h^2; above 0.25 the scheme explodes

using Row = std::vector<double>;

/// Numbers between commas, a row a line; a line that begins with a letter or '#' is none.
std::vector<Row> read_csv(const std::string& path, size_t columns) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error("cannot read " + path);
    std::vector<Row> rows;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#' || std::isalpha(static_cast<unsigned char>(line[0])))
            continue;
        std::istringstream cells(line);
        Row row;
        for (std::string cell; std::getline(cells, cell, ',');) row.push_back(std::stod(cell));
        if (row.size() != columns) throw std::runtime_error(path + ": wrong line: " + line);
        rows.push_back(std::move(row));
    }
    return rows;
}

/// This rank's rows of the plate, with a ghost row and column on each side.
class Block {
public:
    Block(int cells, int rank, int ranks)
        : cells_(cells),
          first_(int(int64_t(cells) * rank / ranks)),
          rows_(int(int64_t(cells) * (rank + 1) / ranks) - first_),
          above_(rank > 0 ? rank - 1 : MPI_PROC_NULL),
          below_(rank + 1 < ranks ? rank + 1 : MPI_PROC_NULL),
          now_(size_t(rows_ + 2) * (cells + 2), kBackground),
          next_(now_) {}

    int first() const { return first_; }
    int rows() const { return rows_; }
    /// Row and column of the plate; the row must be one of this block's.
    double& at(int row, int column) { return line(row - first_ + 1)[column + 1]; }

    void step(double courant) {
        fill_ghosts();
        for (int i = 1; i <= rows_; ++i) {
            const double *up = line(i - 1), *here = line(i), *down = line(i + 1);
            double* out = next_.data() + size_t(i) * (cells_ + 2);
            for (int j = 1; j <= cells_; ++j) {
                out[j] =
                    here[j] + courant * (up[j] + down[j] + here[j - 1] + here[j + 1] - 4 * here[j]);
            }
        }
        now_.swap(next_);
    }

    /// The plate's share of the wave cos(k pi x) cos(l pi y), over all ranks; (0, 0) is its heat.
    double wave(int k, int l) {
        double sum = 0;
        for (int row = first_; row < first_ + rows_; ++row) {
            const double y = std::cos(l * M_PI * (row + 0.5) / cells_);
            for (int column = 0; column < cells_; ++column)
                sum += at(row, column) * y * std::cos(k * M_PI * (column + 0.5) / cells_);
        }
        double total = 0;
        MPI_Allreduce(&sum, &total, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        return total;
    }

private:
    double* line(int i) { return now_.data() + size_t(i) * (cells_ + 2); }

    /// The neighbours' rows; at the plate's edges the cell itself, so that nothing flows.
    void fill_ghosts() {
        const size_t size = size_t(cells_ + 2);
        for (int i = 1; i <= rows_; ++i) {
            line(i)[0] = line(i)[1];
            line(i)[cells_ + 1] = line(i)[cells_];
        }
        std::copy_n(line(1), size, line(0));
        std::copy_n(line(rows_), size, line(rows_ + 1));
        MPI_Request open[4];
        MPI_Irecv(line(0), int(size), MPI_DOUBLE, above_, 0, MPI_COMM_WORLD, &open[0]);
        MPI_Irecv(line(rows_ + 1), int(size), MPI_DOUBLE, below_, 1, MPI_COMM_WORLD, &open[1]);
        MPI_Isend(line(1), int(size), MPI_DOUBLE, above_, 1, MPI_COMM_WORLD, &open[2]);
        MPI_Isend(line(rows_), int(size), MPI_DOUBLE, below_, 0, MPI_COMM_WORLD, &open[3]);
        // Where there are more ranks than cores, one that waits must let the others work: an MPI
        // that spins costs the scheduler's time slice in every step.
        for (int done = 0; done == 0;) {
            MPI_Testall(4, open, &done, MPI_STATUSES_IGNORE);
            if (done == 0) sched_yield();
        }
    }

    int cells_, first_, rows_, above_, below_;
    std::vector<double> now_, next_;
};

void heat_up(Block& block, int cells, const std::vector<Row>& spots) {
    for (int row = block.first(); row < block.first() + block.rows(); ++row) {
        for (int column = 0; column < cells; ++column) {
            const double x = (column + 0.5) / cells, y = (row + 0.5) / cells;
            for (const Row& spot : spots) {
                if (std::hypot(x - spot[0], y - spot[1]) <= spot[2])
                    block.at(row, column) = spot[3];
            }
        }
    }
}

/// What each thermometer would show, on all ranks.
Row temperatures(Block& block, int cells, const std::vector<Row>& readings) {
    Row mine(readings.size(), 0.0), all(readings.size());
    for (size_t n = 0; n < readings.size(); ++n) {
        const int column = std::clamp(int(readings[n][0] * cells), 0, cells - 1);
        const int row = std::clamp(int(readings[n][1] * cells), 0, cells - 1);
        if (row >= block.first() && row < block.first() + block.rows())
            mine[n] = block.at(row, column);
    }
    MPI_Allreduce(mine.data(), all.data(), int(mine.size()), MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

/// All cells, row by row, on rank 0; empty elsewhere.
std::vector<float> gather(Block& block, int cells, int rank, int ranks) {
    std::vector<float> mine, all;
    for (int row = block.first(); row < block.first() + block.rows(); ++row)
        for (int column = 0; column < cells; ++column) mine.push_back(float(block.at(row, column)));
    std::vector<int> counts(ranks), offsets(ranks);
    for (int r = 0; r < ranks; ++r) {
        const Block other(cells, r, ranks);
        counts[r] = other.rows() * cells;
        offsets[r] = other.first() * cells;
    }
    if (rank == 0) all.resize(size_t(cells) * cells);
    MPI_Gatherv(mine.data(), int(mine.size()), MPI_FLOAT, all.data(), counts.data(), offsets.data(),
                MPI_FLOAT, 0, MPI_COMM_WORLD);
    return all;
}

std::string base64(const std::vector<unsigned char>& bytes) {
    static const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t left = bytes.size() - i;
        const unsigned three =
            bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        for (int k = 0; k < 4; ++k)
            out += k <= int(left) ? digits[three >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

/// A byte a cell, from the coldest (0) to the hottest (255).
std::string picture(const std::vector<float>& plate, int cells, int size) {
    const auto [low, high] = std::minmax_element(plate.begin(), plate.end());
    std::vector<unsigned char> bytes;
    for (int i = 0; i < size; ++i) {
        for (int j = 0; j < size; ++j) {
            const float value =
                plate[size_t((i + 0.5) * cells / size) * cells + size_t((j + 0.5) * cells / size)];
            bytes.push_back(*high > *low ? static_cast<unsigned char>(
                                               (value - *low) / (*high - *low) * 255 + 0.5f)
                                         : 0);
        }
    }
    return base64(bytes);
}

int run(const std::map<std::string, std::string>& options, int rank, int ranks) {
    const double diffusivity = std::stod(options.at("diffusivity")),
                 seconds = std::stod(options.at("seconds"));
    const int cells = std::stoi(options.at("cells"));
    if (!(diffusivity > 0) || !(seconds > 0) || cells < ranks || cells > 20000)
        throw std::runtime_error(
            "diffusivity and seconds must be above 0, cells at least a row for each rank");
    const std::vector<Row> spots = read_csv(options.at("plate"), 4),
                           readings = read_csv(options.at("readings"), 3);
    const double began = MPI_Wtime();
    Block block(cells, rank, ranks);
    heat_up(block, cells, spots);

    const double reach = diffusivity * 1e-6 * seconds * cells * cells;  // in cells, squared
    const int64_t steps = std::max<int64_t>(1, int64_t(std::ceil(reach / kCourant)));
    const double courant = reach / double(steps);
    const std::vector<std::pair<int, int>> waves = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
    Row before, errors;
    for (const auto& [k, l] : waves) before.push_back(block.wave(k, l));
    for (int64_t s = 0; s < steps; ++s) block.step(courant);
    for (size_t w = 0; w < waves.size(); ++w) {
        const auto& [k, l] = waves[w];
        const double each =
            1 + 2 * courant * (std::cos(k * M_PI / cells) + std::cos(l * M_PI / cells) - 2);
        errors.push_back(std::abs(block.wave(k, l) - before[w] * std::pow(each, double(steps))) /
                         std::abs(before[0]));
    }

    const Row shown = temperatures(block, cells, readings);
    double square = 0;
    for (size_t n = 0; n < readings.size(); ++n) square += std::pow(shown[n] - readings[n][2], 2);
    const std::vector<float> plate = gather(block, cells, rank, ranks);
    const bool kept = *std::max_element(errors.begin(), errors.end()) < kTolerance;
    if (rank != 0) return kept ? 0 : 1;
    if (options.count("output") != 0) {
        std::ofstream out(options.at("output"), std::ios::binary);
        out.write(reinterpret_cast<const char*>(plate.data()),
                  std::streamsize(plate.size() * sizeof(float)));
        if (!out.flush()) throw std::runtime_error("cannot write " + options.at("output"));
    }
    const auto [low, high] = std::minmax_element(plate.begin(), plate.end());
    const int size = std::min(cells, std::stoi(options.at("picture")));
    std::printf(
        "{\"diffusivity\": %g, \"misfit\": %.4f, \"ranks\": %d, \"cells\": %d, \"steps\": %lld, "
        "\"heat_error\": %.2e, \"wave_error\": %.2e, \"coldest\": %.2f, \"hottest\": %.2f, "
        "\"wall_seconds\": %.2f, \"thermometers\": [",
        diffusivity, readings.empty() ? 0.0 : std::sqrt(square / double(readings.size())), ranks,
        cells, static_cast<long long>(steps), errors[0],
        *std::max_element(errors.begin() + 1, errors.end()), *low, *high, MPI_Wtime() - began);
    for (size_t n = 0; n < readings.size(); ++n) {
        std::printf("%s{\"x\": %g, \"y\": %g, \"read\": %g, \"simulated\": %.2f}",
                    n == 0 ? "" : ", ", readings[n][0], readings[n][1], readings[n][2], shown[n]);
    }
    std::printf("]");
    if (size > 0)
        std::printf(", \"picture\": {\"size\": %d, \"bytes\": \"%s\"}", size,
                    picture(plate, cells, size).c_str());
    std::printf("}\n");
    if (!kept) std::fprintf(stderr, "heat: the plate's heat or its waves are wrong\n");
    return kept ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = 0, ranks = 1, status = 2;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    try {
        std::map<std::string, std::string> options = {
            {"cells", "96"}, {"picture", "48"}, {"seconds", "120"}};
        for (int i = 1; i + 1 < argc; i += 2) {
            if (std::string(argv[i]).rfind("--", 0) != 0)
                throw std::runtime_error(std::string("not an option: ") + argv[i]);
            options[argv[i] + 2] = argv[i + 1];
        }
        for (const char* name : {"plate", "readings", "diffusivity"})
            if (options.count(name) == 0)
                throw std::runtime_error(std::string("--") + name + " is missing");
        status = run(options, rank, ranks);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "heat: %s\n", error.what());
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    MPI_Finalize();
    return status;
}
