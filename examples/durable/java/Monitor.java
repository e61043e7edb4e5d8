// Looks again and again until a job is done, less often each time: Monitor HOST:PORT. Every look is a new generation of the
// orchestration, so its history never grows.
import com.microsoft.durabletask.TaskActivityContext;
import com.microsoft.durabletask.TaskOrchestrationContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

public final class Monitor {
    record Job(String path, int looks) {}

    static boolean isDone(TaskActivityContext ctx) {
        return Files.exists(Path.of(ctx.getInput(String.class)));
    }

    static void monitor(TaskOrchestrationContext ctx) {
        Job job = ctx.getInput(Job.class);
        if (ctx.callActivity("isDone", job.path(), Boolean.class).await()) {
            ctx.complete("done, seen at look " + job.looks());
            return;
        }
        ctx.setCustomStatus("looked " + job.looks() + " times");
        ctx.createTimer(Duration.ofMillis(Math.min(50 * job.looks(), 1000))).await();
        ctx.continueAsNew(new Job(job.path(), job.looks() + 1));
    }

    public static void main(String[] arguments) throws Exception {
        Path directory = Files.createTempDirectory("monitor");
        Path result = directory.resolve("result");
        Hub.run(arguments[0], Map.of("monitor", Monitor::monitor), Map.of("isDone", Monitor::isDone), client -> {
            String instance = client.scheduleNewOrchestrationInstance("monitor", new Job(result.toString(), 1));
            client.waitForInstanceStart(instance, Hub.PATIENCE);
            Thread.sleep(500);  // the job
            Files.createFile(result);
            System.out.println(client.waitForInstanceCompletion(instance, Hub.PATIENCE, true).getSerializedOutput());
        });
        Files.delete(result);
        Files.delete(directory);
    }
}
