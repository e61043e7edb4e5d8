// What the examples share: a channel, a worker and a client.
import com.microsoft.durabletask.DurableTaskClient;
import com.microsoft.durabletask.DurableTaskGrpcClientBuilder;
import com.microsoft.durabletask.DurableTaskGrpcWorkerBuilder;
import com.microsoft.durabletask.TaskActivity;
import com.microsoft.durabletask.TaskActivityFactory;
import com.microsoft.durabletask.TaskOrchestration;
import com.microsoft.durabletask.TaskOrchestrationFactory;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.time.Duration;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;

final class Hub {
    static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Logger SDK = Logger.getLogger("com.microsoft.durabletask");

    interface Work {
        void with(DurableTaskClient client) throws Exception;
    }

    /** Runs `work` with a client, while a worker has these orchestrators and activities. */
    static void run(String address, Map<String, TaskOrchestration> orchestrators, Map<String, TaskActivity> activities, Work work)
            throws Exception {
        SDK.setLevel(Level.OFF);
        ManagedChannel channel = ManagedChannelBuilder.forTarget(address).usePlaintext().build();
        try (DurableTaskClient client = new DurableTaskGrpcClientBuilder().grpcChannel(channel).build()) {
            startWorker(channel, orchestrators, activities);
            work.with(client);
        } finally {
            channel.shutdownNow();
        }
    }

    /** The worker ends with its program; the SDK's own start() would keep the program alive. */
    static void startWorker(Channel channel, Map<String, TaskOrchestration> orchestrators, Map<String, TaskActivity> activities) {
        var builder = new DurableTaskGrpcWorkerBuilder().grpcChannel(channel);
        orchestrators.forEach((name, orchestrator) -> builder.addOrchestration(orchestration(name, orchestrator)));
        activities.forEach((name, activity) -> builder.addActivity(activity(name, activity)));
        var thread = new Thread(builder.build()::startAndBlock);
        thread.setDaemon(true);
        thread.start();
    }

    private static TaskOrchestrationFactory orchestration(String name, TaskOrchestration orchestrator) {
        return new TaskOrchestrationFactory() {
            @Override
            public String getName() {
                return name;
            }

            @Override
            public TaskOrchestration create() {
                return orchestrator;
            }
        };
    }

    private static TaskActivityFactory activity(String name, TaskActivity activity) {
        return new TaskActivityFactory() {
            @Override
            public String getName() {
                return name;
            }

            @Override
            public TaskActivity create() {
                return activity;
            }
        };
    }

    private Hub() {}
}
