// The arithmetic of a scorecard, as the server does it; `card` is what /scorecard answers as JSON.

export function sigmoid(logOdds) {
  if (logOdds >= 0) return 1 / (1 + Math.exp(-logOdds));
  const odds = Math.exp(logOdds);
  return odds / (1 + odds);
}

// What is predicted: one of two classes, one of several, or a number.
export function kindOf(card) {
  if (typeof card.intercept === "object") return "classes";
  return "log_odds" in card.features[0].points[0] ? "binary" : "number";
}

// The values of a feature in a chart: of a number, all but the sign of one that is not known.
export function drawn(feature) {
  const isNumber = feature.points.some((point) => typeof point.value === "number");
  return isNumber ? feature.points.filter((point) => typeof point.value === "number") : feature.points;
}

// The share of two points that a value between them has of each: of numbers, or of numbers by class.
function between(a, b, share) {
  if (typeof a === "number") return (1 - share) * a + share * b;
  return Object.fromEntries(Object.keys(a).map((label) => [label, between(a[label], b[label], share)]));
}

// The points of a value; between the knots of a number, on the straight line; beyond the last, as there.
export function pointsAt(feature, value) {
  const term = "log_odds" in feature.points[0] ? "log_odds" : "points";
  const known = feature.points.find((point) => point.value === value);
  if (known) return known[term];
  const points = [...(feature.before ?? []), ...drawn(feature), ...(feature.after ?? [])];
  if (value <= points[0].value) return points[0][term];
  if (value >= points.at(-1).value) return points.at(-1)[term];
  const right = points.findIndex((point) => point.value > value);
  const [a, b] = [points[right - 1], points[right]];
  return between(a[term], b[term], (value - a.value) / (b.value - a.value));
}

// The number of the level that holds a value: the value itself, or the range of a number; -1 if there is none.
export function levelOf(levels, value) {
  const own = levels.findIndex((level) => level.value === value);
  if (own >= 0 || typeof value === "string") return own;
  return levels.findLastIndex((level) => "from" in level && (level.from === null || level.from <= value));
}

// Where a record stands in a pair of features: its row and its column.
export const placeIn = ({ features, levels }, record) =>
  features.map((name, side) => levelOf(levels[side], record[name]));

// The points of two features together, for a record.
export function pointsTogether(pair, record) {
  const [row, column] = placeIn(pair, record);
  return (pair.log_odds ?? pair.points)[row][column];
}

// What follows from a sum, or from a sum per class.
function predicted(kind, sum) {
  if (kind === "number") return { prediction: sum };
  if (kind === "binary") return { probability: sigmoid(sum), log_odds: sum };
  const labels = Object.keys(sum);
  const highest = Math.max(...Object.values(sum));
  const odds = labels.map((label) => Math.exp(sum[label] - highest));
  const total = odds.reduce((a, b) => a + b);
  const probabilities = Object.fromEntries(labels.map((label, place) => [label, odds[place] / total]));
  const label = labels.find((each) => sum[each] === highest);
  return { label, probability: probabilities[label], probabilities, sums: sum };
}

function plus(a, b, sign = 1) {
  if (typeof a === "number") return a + sign * b;
  return Object.fromEntries(Object.keys(a).map((label) => [label, a[label] + sign * b[label]]));
}

// Every term of the sum: of each feature in order, then of each pair.
function termsOf(card, record) {
  const term = kindOf(card) === "binary" ? "log_odds" : "points";
  const own = card.features.map((feature) => {
    const value = record[feature.feature];
    return { feature: feature.feature, value, [term]: pointsAt(feature, value) };
  });
  const together = (card.pairs ?? []).map((pair) => ({
    feature: pair.feature,
    features: pair.features,
    value: pair.features.map((name) => record[name]),
    [term]: pointsTogether(pair, record),
  }));
  return [...own, ...together];
}

const pointsOf = (term) => term.log_odds ?? term.points;
const added = (card, terms) => terms.reduce((sum, term) => plus(sum, pointsOf(term)), card.intercept);

// The answer and every term of the sum.
export function explain(card, record) {
  const contributions = termsOf(card, record);
  return { ...predicted(kindOf(card), added(card, contributions)), intercept: card.intercept, contributions };
}

// By feature, the answer at each of its values, the rest of the record as it is.
export function whatIf(card, record) {
  const kind = kindOf(card);
  const terms = termsOf(card, record);
  const sum = added(card, terms);
  return card.features.map((feature) => {
    const name = feature.feature;
    const moved = terms.filter((term) => term.feature === name || term.features?.includes(name));
    const rest = moved.reduce((total, term) => plus(total, pointsOf(term), -1), sum);
    const pairs = (card.pairs ?? []).filter((pair) => pair.features.includes(name));
    const points = drawn(feature).map((point) => {
      const varied = { ...record, [name]: point.value };
      const together = pairs.map((pair) => pointsTogether(pair, varied));
      const total = [pointsOf(point), ...together].reduce((all, each) => plus(all, each), rest);
      return { value: point.value, ...predicted(kind, total) };
    });
    return { feature: name, points };
  });
}
