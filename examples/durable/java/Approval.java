// A person answers, or a timer runs out: Approval HOST:PORT [yes|no|silent]
import com.microsoft.durabletask.TaskActivityContext;
import com.microsoft.durabletask.TaskCanceledException;
import com.microsoft.durabletask.TaskOrchestrationContext;
import java.time.Duration;
import java.util.Map;

public final class Approval {
    static String order(TaskActivityContext ctx) {
        return "ordered for " + ctx.getInput(Integer.class);
    }

    static void approval(TaskOrchestrationContext ctx) {
        try {
            boolean yes = ctx.waitForExternalEvent("approval", Duration.ofSeconds(2), Boolean.class).await();
            ctx.complete(yes ? ctx.callActivity("order", ctx.getInput(Integer.class), String.class).await() : "declined");
        } catch (TaskCanceledException timeout) {
            ctx.complete("nobody answered");
        }
    }

    public static void main(String[] arguments) throws Exception {
        String person = arguments.length > 1 ? arguments[1] : "yes";
        Hub.run(arguments[0], Map.of("approval", Approval::approval), Map.of("order", Approval::order), client -> {
            String instance = client.scheduleNewOrchestrationInstance("approval", 1200);
            client.waitForInstanceStart(instance, Hub.PATIENCE);
            if (!person.equals("silent")) client.raiseEvent(instance, "approval", person.equals("yes"));
            System.out.println(client.waitForInstanceCompletion(instance, Hub.PATIENCE, true).getSerializedOutput());
        });
    }
}
