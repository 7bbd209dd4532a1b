/** Reading a compiled form: names in scopes, nested elements, the schema beneath. Pure. */

/** "#/properties/bin/properties/bin.sorting" -> "bin.sorting" */
export function nameOf(scope) {
  return scope.slice(scope.lastIndexOf("/") + 1).replaceAll("~1", "/").replaceAll("~0", "~");
}

/** Elements with layouts opened; groups and controls stay, in order. */
export function controlsOf(elements = []) {
  return elements.flatMap((element) => (element.scope ? [element] : controlsOf(element.elements)));
}

export const isGroup = (control) => control.type === "Group";
export const isRepeat = (control) => control.options?.widget === "repeat";
export const isOptional = (control) => Boolean(control.optional ?? control.options?.optional);

/** The elements inside a group or one item of a repeat. */
export const innerElements = (control) => (isGroup(control) ? control.elements : (control.options.detail?.elements ?? []));

/** Runs of controls: consecutive questions to confirm share one block, everything else stands alone. */
export function blocksOf(controls) {
  const blocks = [];
  for (const control of controls) {
    const isConfirm = Boolean(control.options?.confirm);
    const last = blocks.at(-1);
    if (isConfirm && last?.isConfirm) last.controls.push(control);
    else blocks.push({ key: control.scope, isConfirm, controls: [control] });
  }
  return blocks;
}
