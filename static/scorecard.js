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

// The answer and every term of the sum.
export function explain(card, record) {
  const kind = kindOf(card);
  const term = kind === "binary" ? "log_odds" : "points";
  let sum = card.intercept;
  const contributions = card.features.map((feature) => {
    const value = record[feature.feature];
    const points = pointsAt(feature, value);
    sum = plus(sum, points);
    return { feature: feature.feature, value, [term]: points };
  });
  return { ...predicted(kind, sum), intercept: card.intercept, contributions };
}

// By feature, the answer at each of its values, the rest of the record as it is.
export function whatIf(card, record) {
  const kind = kindOf(card);
  const sum = card.features.reduce(
    (total, feature) => plus(total, pointsAt(feature, record[feature.feature])),
    card.intercept,
  );
  return card.features.map((feature) => {
    const rest = plus(sum, pointsAt(feature, record[feature.feature]), -1);
    const points = drawn(feature).map(({ value, log_odds: logOdds, points: others }) => ({
      value,
      ...predicted(kind, plus(rest, logOdds ?? others)),
    }));
    return { feature: feature.feature, points };
  });
}
