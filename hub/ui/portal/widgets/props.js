/** What every widget is given, so that each of them says the same things to a screen reader. */
export const WIDGET_PROPS = {
  id: String,
  control: Object,
  schema: Object,
  label: String,
  labelledBy: String,
  describedBy: String,
  isWrong: Boolean,
};
