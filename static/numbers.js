// How pages write and place numbers, as charts.py does it.

const MINUS = "\u2212";
export const round = (number) => Math.round(1000 * number) / 1000;
export const signed = (number, digits) => (number < 0 ? MINUS : "+") + figure(Math.abs(number), digits);
const decimals = (share) => (share === 0 || share === 1 ? 0 : share >= 0.01 && share <= 0.99 ? 1 : 2);
export const percent = (share) => `${(100 * share).toFixed(decimals(share))}%`;

export function figure(number, digits) {
  const [whole, rest] = Math.abs(number).toFixed(digits).split(".");
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${number < 0 ? MINUS : ""}${apart}${rest === undefined ? "" : `.${rest}`}`;
}

// The ends of a scale that holds some numbers, with a little room at either end.
export function endsOf(numbers) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const room = 0.03 * (high - low || 1);
  return [low - room, high + room];
}

export const scaleFrom = ([low, high]) => (number) => round((100 * (number - low)) / (high - low));
export const scaleOf = (numbers) => scaleFrom(endsOf(numbers));
