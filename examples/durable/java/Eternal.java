// An orchestration without an end, fed by events, that somebody terminates: Eternal HOST:PORT. One reading at a time: this SDK
// would carry readings that it has handled over to the next generation, again and again.
import com.microsoft.durabletask.TaskOrchestrationContext;
import java.util.List;
import java.util.Map;

public final class Eternal {
    static final List<Integer> READINGS = List.of(3, 5, 8, 1);

    record State(int count, int largest) {}

    static void eternal(TaskOrchestrationContext ctx) {
        State state = ctx.getInput(State.class);
        ctx.setCustomStatus(state);
        int reading = ctx.waitForExternalEvent("reading", Integer.class).await();
        ctx.continueAsNew(new State(state.count() + 1, Math.max(state.largest(), reading)), false);
    }

    public static void main(String[] arguments) throws Exception {
        Hub.run(arguments[0], Map.of("eternal", Eternal::eternal), Map.of(), client -> {
            String instance = client.scheduleNewOrchestrationInstance("eternal", new State(0, 0));
            client.waitForInstanceStart(instance, Hub.PATIENCE);
            State state = null;
            for (int i = 0; i < READINGS.size(); ++i) {
                client.raiseEvent(instance, "reading", READINGS.get(i));
                long end = System.nanoTime() + Hub.PATIENCE.toNanos();
                do {
                    Thread.sleep(20);
                    state = client.getInstanceMetadata(instance, true).readCustomStatusAs(State.class);
                } while ((state == null || state.count() <= i) && System.nanoTime() < end);
            }
            System.out.println(state);
            client.terminate(instance, "enough");
            var ended = client.waitForInstanceCompletion(instance, Hub.PATIENCE, true);
            System.out.println(ended.getRuntimeStatus() + " " + ended.getSerializedOutput());
        });
    }
}
