// Activities at the same time, over real files: FanOutFiles HOST:PORT [DIRECTORY]. Counts the words of every file.
import com.microsoft.durabletask.Task;
import com.microsoft.durabletask.TaskActivityContext;
import com.microsoft.durabletask.TaskOrchestrationContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.StringTokenizer;
import java.util.stream.Stream;

public final class FanOutFiles {
    record Found(int files, int words) {}

    static List<String> listFiles(TaskActivityContext ctx) {
        try (Stream<Path> paths = Files.walk(Path.of(ctx.getInput(String.class)))) {
            return paths.filter(Files::isRegularFile).map(Path::toString).sorted().toList();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    static int countWords(TaskActivityContext ctx) {
        try {
            byte[] bytes = Files.readAllBytes(Path.of(ctx.getInput(String.class)));
            return new StringTokenizer(new String(bytes, StandardCharsets.UTF_8)).countTokens();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    static void fanOutFiles(TaskOrchestrationContext ctx) {
        String[] paths = ctx.callActivity("listFiles", ctx.getInput(String.class), String[].class).await();
        List<Task<Integer>> counts = Stream.of(paths).map(path -> ctx.callActivity("countWords", path, Integer.class)).toList();
        int words = ctx.allOf(counts).await().stream().mapToInt(Integer::intValue).sum();
        ctx.complete(new Found(paths.length, words));
    }

    public static void main(String[] arguments) throws Exception {
        String directory = arguments.length > 1 ? arguments[1] : "examples/durable";
        Hub.run(arguments[0], Map.of("fanOutFiles", FanOutFiles::fanOutFiles),
                Map.of("listFiles", FanOutFiles::listFiles, "countWords", FanOutFiles::countWords), client -> {
            String instance = client.scheduleNewOrchestrationInstance("fanOutFiles", directory);
            Found found = client.waitForInstanceCompletion(instance, Hub.PATIENCE, true).readOutputAs(Found.class);
            System.out.println(found.words() + " words in " + found.files() + " files");
        });
    }
}
