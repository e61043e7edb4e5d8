// Activities one after the other: HelloCities HOST:PORT
import com.microsoft.durabletask.TaskActivityContext;
import com.microsoft.durabletask.TaskOrchestrationContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

public final class HelloCities {
    static String hello(TaskActivityContext ctx) {
        return "Hello " + ctx.getInput(String.class) + "!";
    }

    static void helloCities(TaskOrchestrationContext ctx) {
        var greetings = new ArrayList<String>();
        for (String city : List.of("Tokyo", "Seattle", "London", "Paris", "Oslo")) {
            greetings.add(ctx.callActivity("hello", city, String.class).await());
        }
        ctx.complete(greetings);
    }

    public static void main(String[] arguments) throws Exception {
        Hub.run(arguments[0], Map.of("helloCities", HelloCities::helloCities), Map.of("hello", HelloCities::hello), client -> {
            String instance = client.scheduleNewOrchestrationInstance("helloCities");
            System.out.println(client.waitForInstanceCompletion(instance, Hub.PATIENCE, true).getSerializedOutput());
        });
    }
}
