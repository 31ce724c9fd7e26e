// The interval of an answer, as the server computes it; `known` holds what that takes beside the scorecard.
import { placeIn, sigmoid } from "./scorecard.js";

const NORMAL_97_5 = 1.959963984540054; // quantile of the standard normal distribution, for 95% intervals
const MOST = 2 ** 31 - 1;

function bytesOf(text) {
  return new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

function decimals(text) {
  const view = bytesOf(text);
  return Array.from({ length: view.byteLength / 8 }, (_, at) => view.getFloat64(8 * at, true));
}

function shares(text, scale) {
  const view = bytesOf(text);
  return Float64Array.from({ length: view.byteLength / 4 }, (_, at) => (view.getInt32(4 * at, true) / MOST) * scale);
}

// Of a number its margin; else a covariance matrix as glassform/analysis/covariance.py writes it: `rows` has, by row,
// the kept rows that it is the sum of, each with its weight.
export function readKnown(card, { margin, places, kept, deviations, correlations, weights, scale }) {
  if (!places) return { margin };
  const [own, others] = [decimals(deviations), shares(weights, scale)];
  const sizes = [1, ...card.features.map(({ feature }) => places[feature].length)];
  for (const { levels } of card.pairs) sizes.push(levels[0].length * levels[1].length);
  const position = new Map(kept.map((row, at) => [row, at]));
  const rows = [];
  let [start, used] = [0, 0];
  for (const size of sizes) {
    const its = kept.filter((row) => row >= start && row < start + size).map((row) => position.get(row));
    for (let row = start; row < start + size; row++)
      if (position.has(row)) rows.push([[position.get(row), own[row]]]);
      else rows.push(its.map((at) => [at, own[row] * others[used++]]));
    start += size;
  }
  return { places, rows, correlations: shares(correlations, 1), size: kept.length };
}

// The rows that a value of a feature has a share in, each with its share, counted from the feature's first.
function sharesOf(values, value) {
  const own = values.indexOf(value);
  if (own >= 0) return [[own, 1]];
  const knots = values.filter((each) => typeof each === "number").sort((a, b) => a - b);
  const at = (knot) => values.indexOf(knot);
  if (value <= knots[0]) return [[at(knots[0]), 1]];
  if (value >= knots.at(-1)) return [[at(knots.at(-1)), 1]];
  const right = knots.findIndex((knot) => knot > value);
  const share = (value - knots[right - 1]) / (knots[right] - knots[right - 1]);
  return [[at(knots[right - 1]), 1 - share], [at(knots[right]), share]];
}

// The rows of a record's terms, each with its share.
function termsOf(card, places, record) {
  const terms = [[0, 1]]; // the intercept's row is the first
  let first = 1;
  for (const { feature } of card.features) {
    for (const [row, share] of sharesOf(places[feature], record[feature])) terms.push([first + row, share]);
    first += places[feature].length;
  }
  for (const pair of card.pairs) {
    const [row, column] = placeIn(pair, record);
    terms.push([first + row * pair.levels[1].length + column, 1]);
    first += pair.levels[0].length * pair.levels[1].length;
  }
  return terms;
}

// The variance of a sum: the covariances of every two of its terms, added up.
function varianceOf(card, { places, rows, correlations, size }, record) {
  const spread = new Float64Array(size);
  for (const [row, share] of termsOf(card, places, record))
    for (const [at, weight] of rows[row]) spread[at] += share * weight;
  let variance = 0;
  for (let i = 0, at = 0; i < size; i++) {
    let along = 0;
    for (let j = 0; j < i; j++) along += correlations[at++] * spread[j];
    variance += spread[i] * (spread[i] + 2 * along);
  }
  return variance;
}

// Both ends: of a probability from the covariance, of a number from the errors on rows held back.
export function intervalOf(card, known, record, answer) {
  if (known.margin !== undefined) return [answer.prediction - known.margin, answer.prediction + known.margin];
  const margin = NORMAL_97_5 * Math.sqrt(Math.max(varianceOf(card, known, record), 0));
  return [sigmoid(answer.log_odds - margin), sigmoid(answer.log_odds + margin)];
}
