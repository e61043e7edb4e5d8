// What a user of the unmodified Java SDK relies on: DurableJava HOST:PORT KEY. A check that fails ends the program.
import com.microsoft.durabletask.CompositeTaskFailedException;
import com.microsoft.durabletask.DurableTaskClient;
import com.microsoft.durabletask.DurableTaskGrpcClientBuilder;
import com.microsoft.durabletask.NewOrchestrationInstanceOptions;
import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.OrchestrationRuntimeStatus;
import com.microsoft.durabletask.OrchestrationStatusQuery;
import com.microsoft.durabletask.PurgeInstanceCriteria;
import com.microsoft.durabletask.RetryPolicy;
import com.microsoft.durabletask.Task;
import com.microsoft.durabletask.TaskActivity;
import com.microsoft.durabletask.TaskActivityContext;
import com.microsoft.durabletask.TaskCanceledException;
import com.microsoft.durabletask.TaskFailedException;
import com.microsoft.durabletask.TaskOptions;
import com.microsoft.durabletask.TaskOrchestration;
import com.microsoft.durabletask.TaskOrchestrationContext;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;

public final class DurableJava {
    static final Duration PATIENCE = Duration.ofSeconds(60);
    static final Duration SOON = Duration.ofMillis(20);
    static final int WIDE = 2000;
    static final int LARGE = 3 << 20;  // two of them are more than this SDK receives in one message

    static final Logger SDK = Logger.getLogger("com.microsoft.durabletask");
    static final Map<String, AtomicInteger> attempts = new ConcurrentHashMap<>();

    static DurableTaskClient client;
    static String address;
    static String key;
    static ManagedChannel channel;

    // ---- activities

    static Object echoActivity(TaskActivityContext ctx) {
        return ctx.getInput(Object.class);
    }

    static int doubled(TaskActivityContext ctx) {
        return 2 * ctx.getInput(Integer.class);
    }

    record Unlucky(String name, int failures) {}

    /** Fails so many times for each name. */
    static String unlucky(TaskActivityContext ctx) {
        Unlucky input = ctx.getInput(Unlucky.class);
        int attempt = attempts.computeIfAbsent(input.name(), name -> new AtomicInteger()).incrementAndGet();
        if (attempt <= input.failures()) throw new IllegalStateException("attempt " + attempt);
        return input.name();
    }

    static String large(TaskActivityContext ctx) {
        return "x".repeat(LARGE);
    }

    // ---- orchestrators

    static void echo(TaskOrchestrationContext ctx) {
        ctx.complete(ctx.getInput(Object.class));
    }

    static void echoThrough(TaskOrchestrationContext ctx) {
        ctx.complete(ctx.callActivity("echoActivity", ctx.getInput(Object.class), Object.class).await());
    }

    static void fanOut(TaskOrchestrationContext ctx) {
        List<Task<Integer>> all = IntStream.range(0, ctx.getInput(Integer.class))
            .mapToObj(number -> ctx.callActivity("doubled", number, Integer.class)).toList();
        ctx.complete(ctx.allOf(all).await().stream().mapToInt(Integer::intValue).sum());
    }

    static TaskOptions retries(int attempts) {
        return new TaskOptions(new RetryPolicy(attempts, SOON).setBackoffCoefficient(2));
    }

    static void persists(TaskOrchestrationContext ctx) {
        ctx.complete(ctx.callActivity("unlucky", ctx.getInput(Unlucky.class), retries(3), String.class).await());
    }

    static void persistsByHandler(TaskOrchestrationContext ctx) {
        TaskOptions options = new TaskOptions(retry ->
            retry.getLastFailure().isCausedBy(IllegalStateException.class) && retry.getLastAttemptNumber() < 5);
        ctx.complete(ctx.callActivity("unlucky", ctx.getInput(Unlucky.class), options, String.class).await());
    }

    static void parent(TaskOrchestrationContext ctx) {
        int named = ctx.callSubOrchestrator("fanOut", 5, ctx.getInstanceId() + "-child", Integer.class).await();
        int unnamed = ctx.callSubOrchestrator("fanOut", 6, Integer.class).await();
        ctx.complete(List.of(named, unnamed));
    }

    /** The child's attempts fail until the third. */
    static void patientParent(TaskOrchestrationContext ctx) {
        String name = ctx.getInput(String.class);
        ctx.complete(ctx.callSubOrchestrator("unluckyChild", new Unlucky(name, 2), null, retries(3), String.class).await());
    }

    static void unluckyChild(TaskOrchestrationContext ctx) {
        ctx.complete(ctx.callActivity("unlucky", ctx.getInput(Unlucky.class), String.class).await());
    }

    static void catchesChild(TaskOrchestrationContext ctx) {
        try {
            ctx.callSubOrchestrator("unluckyChild", new Unlucky(ctx.getInput(String.class), 1), String.class).await();
        } catch (TaskFailedException error) {
            ctx.complete(error.getTaskName() + ": " + error.getErrorDetails().getErrorType());
        }
    }

    static void catchesSome(TaskOrchestrationContext ctx) {
        List<Task<String>> all = new ArrayList<>();
        for (int failures : List.of(0, 1, 0, 1)) {
            all.add(ctx.callActivity("unlucky", new Unlucky(ctx.getInstanceId() + "-" + all.size(), failures), String.class));
        }
        try {
            ctx.allOf(all).await();
        } catch (CompositeTaskFailedException error) {
            ctx.complete(error.getExceptions().size());
        }
    }

    static void race(TaskOrchestrationContext ctx) {
        Task<Void> slow = ctx.createTimer(Duration.ofMinutes(10));
        Task<Void> past = ctx.createTimer(ZonedDateTime.ofInstant(ctx.getCurrentInstant(), ZoneOffset.UTC).minusSeconds(5));
        Task<Void> quick = ctx.createTimer(SOON);
        quick.await();
        Task<Integer> activity = ctx.callActivity("doubled", 4, Integer.class);
        Task<?> winner = ctx.anyOf(List.of(slow, activity)).await();
        ctx.complete(past.isDone() && !slow.isDone() && winner == activity ? activity.await() : -1);
    }

    /** Values that must be the same whenever the orchestrator is replayed. */
    static void steady(TaskOrchestrationContext ctx) {
        UUID first = ctx.newUUID();
        Instant now = ctx.getCurrentInstant();
        String seen = ctx.callActivity("echoActivity", first + " " + now, String.class).await();
        ctx.createTimer(SOON).await();
        ctx.complete(seen.equals(first + " " + now) && !first.equals(ctx.newUUID()) && ctx.getCurrentInstant().isAfter(now));
    }

    static void listens(TaskOrchestrationContext ctx) {
        ctx.setCustomStatus(Map.of("listens", true));
        List<String> heard = new ArrayList<>();
        for (int i = 0; i < 3; ++i) heard.add(ctx.waitForExternalEvent("word", String.class).await());
        ctx.clearCustomStatus();
        ctx.complete(String.join(" ", heard));
    }

    static void listensBriefly(TaskOrchestrationContext ctx) {
        try {
            ctx.complete(ctx.waitForExternalEvent("word", Duration.ofMillis(200), String.class).await());
        } catch (TaskCanceledException timeout) {
            ctx.complete("nothing");
        }
    }

    static void tells(TaskOrchestrationContext ctx) {
        for (String word : List.of("one", "two", "three")) ctx.sendEvent(ctx.getInput(String.class), "word", word);
        ctx.complete(null);
    }

    record Count(int left, int sum) {}

    static void counts(TaskOrchestrationContext ctx) {
        Count count = ctx.getInput(Count.class);
        if (count.left() == 0) {
            ctx.complete(count.sum());
            return;
        }
        int more = ctx.callActivity("doubled", count.left(), Integer.class).await();
        ctx.continueAsNew(new Count(count.left() - 1, count.sum() + more));
    }

    static void tooLarge(TaskOrchestrationContext ctx) {
        for (int i = 0; i < 2; ++i) ctx.callActivity("large", i, String.class).await();
        ctx.complete("all of it");
    }

    static void largeChild(TaskOrchestrationContext ctx) {
        String text = "y".repeat(ctx.getInput(Integer.class));
        ctx.complete(ctx.callSubOrchestrator("echo", text, String.class).await());
    }

    static final Map<String, TaskOrchestration> ORCHESTRATORS = Map.ofEntries(
        Map.entry("echo", DurableJava::echo), Map.entry("echoThrough", DurableJava::echoThrough),
        Map.entry("fanOut", DurableJava::fanOut), Map.entry("persists", DurableJava::persists),
        Map.entry("persistsByHandler", DurableJava::persistsByHandler), Map.entry("parent", DurableJava::parent),
        Map.entry("patientParent", DurableJava::patientParent), Map.entry("unluckyChild", DurableJava::unluckyChild),
        Map.entry("catchesChild", DurableJava::catchesChild), Map.entry("catchesSome", DurableJava::catchesSome),
        Map.entry("race", DurableJava::race), Map.entry("steady", DurableJava::steady),
        Map.entry("listens", DurableJava::listens), Map.entry("listensBriefly", DurableJava::listensBriefly),
        Map.entry("tells", DurableJava::tells), Map.entry("counts", DurableJava::counts),
        Map.entry("tooLarge", DurableJava::tooLarge), Map.entry("largeChild", DurableJava::largeChild));
    static final Map<String, TaskActivity> ACTIVITIES = Map.of(
        "echoActivity", DurableJava::echoActivity, "doubled", DurableJava::doubled, "unlucky", DurableJava::unlucky,
        "large", DurableJava::large);

    // ---- checks

    static void equal(Object found, Object wanted) {
        if (!Objects.equals(found, wanted)) throw new AssertionError("found " + found + ", wanted " + wanted);
    }

    interface Attempt {
        void run() throws Exception;
    }

    static void refused(Status.Code code, Attempt attempt) throws Exception {
        try {
            attempt.run();
        } catch (StatusRuntimeException error) {
            equal(error.getStatus().getCode(), code);
            return;
        }
        throw new AssertionError("not refused with " + code);
    }

    static <E extends Exception> E thrown(Class<E> type, Attempt attempt) throws Exception {
        try {
            attempt.run();
        } catch (Exception error) {
            if (type.isInstance(error)) return type.cast(error);
            throw error;
        }
        throw new AssertionError("no " + type);
    }

    static OrchestrationMetadata ended(String instance, OrchestrationRuntimeStatus status) throws TimeoutException {
        OrchestrationMetadata state = client.waitForInstanceCompletion(instance, PATIENCE, true);
        equal(state.getRuntimeStatus() + failureOf(state), status + failureOf(state));
        return state;
    }

    static String failureOf(OrchestrationMetadata state) {
        return state.getFailureDetails() == null ? "" : " " + state.getFailureDetails().getErrorMessage();
    }

    static <T> T result(Class<T> type, String name, Object input) throws TimeoutException {
        return ended(client.scheduleNewOrchestrationInstance(name, input), OrchestrationRuntimeStatus.COMPLETED).readOutputAs(type);
    }

    static String begun(String name, Object input) throws TimeoutException {
        String instance = client.scheduleNewOrchestrationInstance(name, input);
        client.waitForInstanceStart(instance, PATIENCE);
        return instance;
    }

    /** Waits for a status that is not an end. */
    static void becomes(String instance, OrchestrationRuntimeStatus status) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (client.getInstanceMetadata(instance, false).getRuntimeStatus() != status) {
            if (System.nanoTime() > end) throw new AssertionError("never " + status);
            Thread.sleep(10);
        }
    }

    static void values() throws Exception {
        for (String name : List.of("echo", "echoThrough")) {
            for (Object value : Arrays.asList("", 0, false, null, "ü\u0000\"", List.of(), Map.of("a", List.of(1, 2.5)))) {
                equal(result(Object.class, name, value), value);
            }
        }
        OrchestrationMetadata bare = client.getInstanceMetadata(begun("echo", "x"), false);
        equal(bare.getSerializedInput() + bare.getName() + bare.isInstanceFound(), "echotrue");
    }

    static void retriesOfActivities() throws Exception {
        equal(result(String.class, "persists", new Unlucky("lucky in the end", 2)), "lucky in the end");
        equal(attempts.get("lucky in the end").get(), 3);
        String never = client.scheduleNewOrchestrationInstance("persists", new Unlucky("never", 99));
        OrchestrationMetadata failed = ended(never, OrchestrationRuntimeStatus.FAILED);
        equal(attempts.get("never").get(), 3);
        equal(failed.getFailureDetails().isCausedBy(TaskFailedException.class), true);
        equal(failed.getFailureDetails().getErrorMessage().contains("attempt 3"), true);
        equal(result(String.class, "persistsByHandler", new Unlucky("by handler", 4)), "by handler");
        equal(attempts.get("by handler").get(), 5);
    }

    static void subOrchestrations() throws Exception {
        String instance = client.scheduleNewOrchestrationInstance("parent");
        equal(ended(instance, OrchestrationRuntimeStatus.COMPLETED).readOutputAs(List.class), List.of(20, 30));
        equal(client.getInstanceMetadata(instance + "-child", true).readOutputAs(Integer.class), 20);
        equal(result(String.class, "patientParent", "child"), "child");
        equal(attempts.get("child").get(), 3);
        equal(result(String.class, "catchesChild", "caught"), "unluckyChild: " + TaskFailedException.class.getName());
        equal(result(Integer.class, "catchesSome", null), 2);
    }

    static void timers() throws Exception {
        equal(result(Integer.class, "race", null), 8);
        equal(result(Boolean.class, "steady", null), true);
        equal(result(Integer.class, "counts", new Count(20, 0)), 420);
    }

    static void events() throws Exception {
        String listener = client.scheduleNewOrchestrationInstance("listens");
        for (String word : List.of("a", "b")) client.raiseEvent(listener, "word", word);  // perhaps before it listens
        client.waitForInstanceStart(listener, PATIENCE);
        equal(client.getInstanceMetadata(listener, true).readCustomStatusAs(Map.class), Map.of("listens", true));
        client.raiseEvent(listener, "word", "c");
        OrchestrationMetadata state = ended(listener, OrchestrationRuntimeStatus.COMPLETED);
        equal(state.readOutputAs(String.class), "a b c");
        client.raiseEvent(listener, "word", "too late");  // nobody minds
        equal(result(String.class, "listensBriefly", null), "nothing");
        String told = begun("listens", null);
        result(Object.class, "tells", told);
        equal(ended(told, OrchestrationRuntimeStatus.COMPLETED).readOutputAs(String.class), "one two three");
        result(Object.class, "tells", "nobody-there");
        refused(Status.Code.NOT_FOUND, () -> client.raiseEvent("nobody-there", "word", "x"));
    }

    static void suspends() throws Exception {
        String instance = begun("listens", null);
        client.suspendInstance(instance, "a pause");
        becomes(instance, OrchestrationRuntimeStatus.SUSPENDED);
        client.suspendInstance(instance);
        for (String word : List.of("x", "y", "z")) client.raiseEvent(instance, "word", word);
        thrown(TimeoutException.class, () -> client.waitForInstanceCompletion(instance, Duration.ofMillis(300), false));
        client.resumeInstance(instance, "go on");
        equal(ended(instance, OrchestrationRuntimeStatus.COMPLETED).readOutputAs(String.class), "x y z");
        refused(Status.Code.NOT_FOUND, () -> client.suspendInstance("nobody-there"));
        refused(Status.Code.NOT_FOUND, () -> client.resumeInstance("nobody-there"));
    }

    static void terminates() throws Exception {
        String instance = begun("listens", null);
        client.terminate(instance, Map.of("why", "enough"));
        equal(ended(instance, OrchestrationRuntimeStatus.TERMINATED).readOutputAs(Map.class), Map.of("why", "enough"));
        client.terminate(instance, "again");
        equal(client.getInstanceMetadata(instance, true).readOutputAs(Map.class), Map.of("why", "enough"));
        refused(Status.Code.NOT_FOUND, () -> client.terminate("nobody-there", null));
    }

    static void queries() throws Exception {
        Instant before = Instant.now();
        var wanted = new TreeSet<String>();
        for (int i = 0; i < 25; ++i) {
            wanted.add(client.scheduleNewOrchestrationInstance("echo", "input " + i, "paged-" + i));
        }
        for (String instance : wanted) ended(instance, OrchestrationRuntimeStatus.COMPLETED);
        String open = begun("listens", null);
        var query = new OrchestrationStatusQuery().setInstanceIdPrefix("paged-").setMaxInstanceCount(10).setFetchInputsAndOutputs(true)
            .setRuntimeStatusList(List.of(OrchestrationRuntimeStatus.COMPLETED, OrchestrationRuntimeStatus.FAILED));
        var found = new ArrayList<String>();
        var sizes = new ArrayList<Integer>();
        do {
            var page = client.queryInstances(query);
            sizes.add(page.getOrchestrationState().size());
            for (OrchestrationMetadata state : page.getOrchestrationState()) {
                found.add(state.getInstanceId());
                equal(state.readOutputAs(String.class), state.readInputAs(String.class));
            }
            query.setContinuationToken(page.getContinuationToken());
        } while (query.getContinuationToken() != null && !query.getContinuationToken().isEmpty());
        equal(sizes, List.of(10, 10, 5));
        equal(found.size(), 25);
        equal(new TreeSet<>(found), wanted);

        var running = client.queryInstances(new OrchestrationStatusQuery().setCreatedTimeFrom(before)
            .setRuntimeStatusList(List.of(OrchestrationRuntimeStatus.RUNNING))).getOrchestrationState();
        equal(running.stream().map(OrchestrationMetadata::getInstanceId).toList(), List.of(open));
        equal(running.get(0).getSerializedInput(), "");
        equal(client.queryInstances(new OrchestrationStatusQuery().setInstanceIdPrefix("paged-").setCreatedTimeTo(before))
                  .getOrchestrationState(), List.of());
        refused(Status.Code.INVALID_ARGUMENT,
                () -> client.queryInstances(new OrchestrationStatusQuery().setContinuationToken("not one of the server's")));

        // Purging: what is open stays.
        equal(client.purgeInstance("nobody-there").getDeletedInstanceCount(), 0);
        equal(client.purgeInstance(open).getDeletedInstanceCount(), 0);
        equal(client.purgeInstance("paged-3").getDeletedInstanceCount(), 1);
        equal(client.getInstanceMetadata("paged-3", true).isInstanceFound(), false);
        var criteria = new PurgeInstanceCriteria().setCreatedTimeFrom(before).setCreatedTimeTo(Instant.now())
            .setRuntimeStatusList(List.of(OrchestrationRuntimeStatus.COMPLETED)).setTimeout(PATIENCE);
        equal(client.purgeInstances(criteria).getDeletedInstanceCount(), 24);
        equal(client.purgeInstances(criteria).getDeletedInstanceCount(), 0);
        equal(client.getInstanceMetadata(open, false).isRunning(), true);
        client.terminate(open, null);
        equal(ended(open, OrchestrationRuntimeStatus.TERMINATED).getSerializedOutput(), "");
    }

    static void restarts() throws Exception {
        String instance = client.scheduleNewOrchestrationInstance("echo", "once more", "restarted");
        ended(instance, OrchestrationRuntimeStatus.COMPLETED);
        String other = client.restartInstance(instance, true);
        equal(other.equals(instance), false);
        equal(ended(other, OrchestrationRuntimeStatus.COMPLETED).readOutputAs(String.class), "once more");
        equal(client.restartInstance(instance, false), instance);
        equal(ended(instance, OrchestrationRuntimeStatus.COMPLETED).readOutputAs(String.class), "once more");
        thrown(IllegalArgumentException.class, () -> client.restartInstance("nobody-there", true));
        String open = begun("listens", null);
        refused(Status.Code.ALREADY_EXISTS, () -> client.restartInstance(open, false));
        client.terminate(open, null);
    }

    static void starts() throws Exception {
        String open = begun("listens", null);
        refused(Status.Code.ALREADY_EXISTS, () -> client.scheduleNewOrchestrationInstance("echo", null, open));
        client.terminate(open, null);
        var later = new NewOrchestrationInstanceOptions().setInstanceId("later").setInput("then").setVersion("2")
            .setStartTime(Instant.now().plusMillis(700));
        equal(client.scheduleNewOrchestrationInstance("echo", later), "later");
        equal(client.getInstanceMetadata("later", false).getRuntimeStatus(), OrchestrationRuntimeStatus.PENDING);
        thrown(TimeoutException.class, () -> client.waitForInstanceStart("later", Duration.ofMillis(100)));
        OrchestrationMetadata state = ended("later", OrchestrationRuntimeStatus.COMPLETED);
        equal(state.readOutputAs(String.class), "then");
        equal(state.getLastUpdatedAt().isBefore(later.getStartTime()), false);
        refused(Status.Code.INVALID_ARGUMENT, () -> client.scheduleNewOrchestrationInstance("echo", null, "x".repeat(257)));
        equal(client.getInstanceMetadata("nobody-there", true).isInstanceFound(), false);
    }

    /** One turn with thousands of activities, and then a history of thousands of events. */
    static void wide() throws Exception {
        equal(result(Integer.class, "fanOut", WIDE), WIDE * (WIDE - 1));
    }

    static void large() throws Exception {
        String text = "y".repeat(1_000_000);
        equal(result(String.class, "echoThrough", text), text);
        refused(Status.Code.RESOURCE_EXHAUSTED, () -> client.scheduleNewOrchestrationInstance("echo", "y".repeat(LARGE)));
        equal(result(String.class, "largeChild", LARGE / 4), "y".repeat(LARGE / 4));
        String instance = client.scheduleNewOrchestrationInstance("tooLarge");
        OrchestrationMetadata failed = ended(instance, OrchestrationRuntimeStatus.FAILED);
        equal(failed.getFailureDetails().getErrorType(), "WorkItemTooLarge");
        equal(result(Integer.class, "fanOut", 3), 6);  // the worker has not lost its stream
    }

    static void taskHubs() throws Exception {
        String here = client.scheduleNewOrchestrationInstance("echo", "here", "in-a-hub");
        try (DurableTaskClient other = clientOf(with("taskhub", "other"))) {
            equal(other.getInstanceMetadata(here, false).isInstanceFound(), false);
            equal(other.queryInstances(new OrchestrationStatusQuery()).getOrchestrationState(), List.of());
            other.createTaskHub(false);
            other.createTaskHub(false);
            other.scheduleNewOrchestrationInstance("echo", "there", "in-a-hub");
            // No worker of that hub: it waits.
            thrown(TimeoutException.class, () -> other.waitForInstanceCompletion("in-a-hub", Duration.ofMillis(200), false));
            other.deleteTaskHub();
        }
        equal(ended(here, OrchestrationRuntimeStatus.COMPLETED).readOutputAs(String.class), "here");
        try (DurableTaskClient refused = clientOf(with("taskhub", "no hub!"))) {
            refused(Status.Code.INVALID_ARGUMENT, () -> refused.getInstanceMetadata(here, false));
        }
    }

    static void keys() throws Exception {
        try (DurableTaskClient none = clientOf(channel)) {
            refused(Status.Code.UNAUTHENTICATED, () -> none.scheduleNewOrchestrationInstance("echo"));
        }
        try (DurableTaskClient wrong = clientOf(with("authorization", "Bearer wrong"))) {
            refused(Status.Code.UNAUTHENTICATED, () -> wrong.scheduleNewOrchestrationInstance("echo"));
        }
        try (DurableTaskClient other = clientOf(with("x-api-key", key))) {
            equal(other.getInstanceMetadata("nobody-there", false).isInstanceFound(), false);
        }
    }

    static Channel with(String name, String value) {
        var metadata = new Metadata();
        metadata.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
        if (name.equals("taskhub")) metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    static DurableTaskClient clientOf(Channel channel) {
        return new DurableTaskGrpcClientBuilder().grpcChannel(channel).build();
    }

    static void check(String name, Attempt attempt) throws Exception {
        long begin = System.nanoTime();
        System.out.print(name + " ");
        System.out.flush();
        attempt.run();
        System.out.println((System.nanoTime() - begin) / 1_000_000 + " ms");
    }

    public static void main(String[] arguments) throws Exception {
        SDK.setLevel(Level.OFF);
        address = arguments[0];
        key = arguments[1];
        channel = ManagedChannelBuilder.forTarget(address).usePlaintext().build();
        Channel mine = with("authorization", "Bearer " + key);
        client = clientOf(mine);
        Hub.startWorker(mine, ORCHESTRATORS, ACTIVITIES);
        check("values", DurableJava::values);
        check("retries", DurableJava::retriesOfActivities);
        check("sub-orchestrations", DurableJava::subOrchestrations);
        check("timers", DurableJava::timers);
        check("events", DurableJava::events);
        check("suspend", DurableJava::suspends);
        check("terminate", DurableJava::terminates);
        check("queries", DurableJava::queries);
        check("restart", DurableJava::restarts);
        check("starts", DurableJava::starts);
        check("wide", DurableJava::wide);
        check("large", DurableJava::large);
        check("task hubs", DurableJava::taskHubs);
        check("keys", DurableJava::keys);
        channel.shutdownNow();
        System.out.println("ok");
    }
}
