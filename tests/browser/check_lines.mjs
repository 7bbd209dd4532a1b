/** Answers every line of {definition, answers, around, now} with the faults the page finds; for test_checks_alike.py. */
import { createInterface } from "node:readline";
import { faultsOf } from "../../hub/ui/portal/form/check.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { definition, answers, around, now } = JSON.parse(line);
  console.log(JSON.stringify(faultsOf(definition, answers, around, new Date(now))));
}
