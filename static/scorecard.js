// The arithmetic of a scorecard, as scorecard.py does it; `card` is what /scorecard answers as JSON.

export function sigmoid(logOdds) {
  if (logOdds >= 0) return 1 / (1 + Math.exp(-logOdds));
  const odds = Math.exp(logOdds);
  return odds / (1 + odds);
}

// The values of a feature in a drawing: of a number, all but the sign of one that is not known.
export function drawn(feature) {
  const isNumber = typeof feature.points[0].value === "number";
  return isNumber ? feature.points.filter((point) => typeof point.value === "number") : feature.points;
}

// The points of a value, in log-odds; between the knots of a number, on the straight line; beyond the last, as there.
export function pointsAt(feature, value) {
  const known = feature.points.find((point) => point.value === value);
  if (known) return known.log_odds;
  const points = [...(feature.before ?? []), ...drawn(feature), ...(feature.after ?? [])];
  if (value <= points[0].value) return points[0].log_odds;
  if (value >= points.at(-1).value) return points.at(-1).log_odds;
  const right = points.findIndex((point) => point.value > value);
  const [a, b] = [points[right - 1], points[right]];
  const share = (value - a.value) / (b.value - a.value);
  return (1 - share) * a.log_odds + share * b.log_odds;
}

// Probability, log-odds and every term of the sum.
export function explain(card, record) {
  let logOdds = card.intercept;
  const contributions = card.features.map((feature) => {
    const term = pointsAt(feature, record[feature.feature]);
    logOdds += term;
    return { feature: feature.feature, value: record[feature.feature], log_odds: term };
  });
  return { probability: sigmoid(logOdds), log_odds: logOdds, intercept: card.intercept, contributions };
}

// By feature, the probability at each of its values, the rest of the record as it is.
export function whatIf(card, record) {
  const { log_odds: logOdds } = explain(card, record);
  return card.features.map((feature) => {
    const own = pointsAt(feature, record[feature.feature]);
    const curve = drawn(feature).map(({ value, log_odds: other }) => ({
      value,
      probability: sigmoid(logOdds - own + other),
    }));
    return { feature: feature.feature, points: curve };
  });
}
