// The worker that durable_crash.py kills: CrashWorker HOST:PORT
import com.microsoft.durabletask.Task;
import com.microsoft.durabletask.TaskActivityContext;
import com.microsoft.durabletask.TaskOrchestrationContext;
import io.grpc.ManagedChannelBuilder;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;

public final class CrashWorker {
    static final Logger SDK = Logger.getLogger("com.microsoft.durabletask");

    record Count(int left, int sum) {}

    static int doubled(TaskActivityContext ctx) {
        return 2 * ctx.getInput(Integer.class);
    }

    static void chain(TaskOrchestrationContext ctx) {
        int total = 0;
        for (int number = 0; number < ctx.getInput(Integer.class); ++number) {
            total += ctx.callActivity("double", number, Integer.class).await();
        }
        ctx.complete(total);
    }

    static int sumOf(TaskOrchestrationContext ctx, IntFunction<Task<Integer>> part) {
        List<Task<Integer>> all = IntStream.range(0, ctx.getInput(Integer.class)).mapToObj(part).toList();
        return ctx.allOf(all).await().stream().mapToInt(Integer::intValue).sum();
    }

    static void fan(TaskOrchestrationContext ctx) {
        ctx.complete(sumOf(ctx, number -> ctx.callActivity("double", number, Integer.class)));
    }

    static void family(TaskOrchestrationContext ctx) {
        ctx.complete(sumOf(ctx, number -> ctx.callSubOrchestrator("chain", 3, ctx.getInstanceId() + "-" + number, Integer.class)));
    }

    static void counts(TaskOrchestrationContext ctx) {
        Count state = ctx.getInput(Count.class);
        if (state.left() == 0) {
            ctx.complete(state.sum());
            return;
        }
        int more = ctx.callActivity("double", state.left(), Integer.class).await();
        ctx.continueAsNew(new Count(state.left() - 1, state.sum() + more));
    }

    static void waits(TaskOrchestrationContext ctx) {
        ctx.complete(ctx.waitForExternalEvent("go", String.class).await());
    }

    public static void main(String[] arguments) throws Exception {
        SDK.setLevel(Level.OFF);
        Hub.startWorker(ManagedChannelBuilder.forTarget(arguments[0]).usePlaintext().build(),
                        Map.of("chain", CrashWorker::chain, "fan", CrashWorker::fan, "family", CrashWorker::family,
                               "counts", CrashWorker::counts, "waits", CrashWorker::waits),
                        Map.of("double", CrashWorker::doubled));
        Thread.currentThread().join();
    }
}
