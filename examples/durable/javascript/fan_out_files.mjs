// Activities at the same time, over real files: fan_out_files.mjs HOST:PORT [DIRECTORY]. Counts the words of every file.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { whenAll, withHub } from "./hub.mjs";

const listFiles = async (ctx, directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.path, entry.name));
const countWords = async (ctx, path) => readFileSync(path, "utf8").split(/\s+/).filter(Boolean).length;

const fanOutFiles = async function* fanOutFiles(ctx, directory) {
  const paths = yield ctx.callActivity(listFiles, directory);
  const counts = yield whenAll(paths.map((path) => ctx.callActivity(countWords, path)));
  return { files: paths.length, words: counts.reduce((a, b) => a + b, 0) };
};

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
await withHub(process.argv[2], { orchestrators: [fanOutFiles], activities: [listFiles, countWords] }, async (hub) => {
  const instance = await hub.scheduleNewOrchestration(fanOutFiles, process.argv[3] ?? here);
  const { files, words } = JSON.parse((await hub.waitForOrchestrationCompletion(instance, true, 60)).serializedOutput);
  console.log(`${words} words in ${files} files`);
});
