/** Which component asks which question. A widget nobody knows is asked as text rather than lost. */
import ChoiceChips from "./ChoiceChips.vue";
import DateAnswer from "./DateAnswer.vue";
import LocationAnswer from "./LocationAnswer.vue";
import PhotosAnswer from "./PhotosAnswer.vue";
import PlaceAnswer from "./PlaceAnswer.vue";
import SelectAnswer from "./SelectAnswer.vue";
import TextAnswer from "./TextAnswer.vue";
import TimeAnswer from "./TimeAnswer.vue";
import TrackAnswer from "./TrackAnswer.vue";

const WIDGETS = {
  text: TextAnswer,
  textarea: TextAnswer,
  number: TextAnswer,
  date: DateAnswer,
  time: TimeAnswer,
  radio: ChoiceChips,
  multi: ChoiceChips,
  switch: ChoiceChips,
  select: SelectAnswer,
  place: PlaceAnswer,
  photos: PhotosAnswer,
  location: LocationAnswer,
  track: TrackAnswer,
};

/** Those with one input of their own, which the label can point at. */
const ONE_INPUT = new Set([TextAnswer, DateAnswer, TimeAnswer, SelectAnswer]);

export const widgetFor = (control) => WIDGETS[control.options?.widget] ?? TextAnswer;
export const asksAsOne = (control) => ONE_INPUT.has(widgetFor(control));
