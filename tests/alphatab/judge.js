// Judge alphaTex texts with alphaTab. In (stdin): a JSON array of texts. Out (stdout): a JSON array with, for each
// text, its errors, and what alphaTab lets pass but a reader can count in the score: notes, frets, tempos, and for each
// bar of each voice its length and the length it should have (a pickup may be shorter), in ticks.
import fs from "node:fs";
import * as alphaTab from "@coderline/alphatab";

const QUARTER = 960;

function judge(text) {
  const importer = new alphaTab.importer.AlphaTexImporter();
  importer.logErrors = false;
  let score = null;
  const errors = [];
  try {
    importer.initFromString(text, new alphaTab.Settings());
    score = importer.readScore();
  } catch (error) {
    errors.push(`${error.constructor.name}: ${error.message}`.slice(0, 200));
  }
  for (const kind of ["lexerDiagnostics", "parserDiagnostics", "semanticDiagnostics"]) {
    for (const one of importer[kind] ?? []) {
      if (one.severity === 2) {
        errors.push(`AT${one.code} ${one.start?.line}:${one.start?.col} ${one.message}`.slice(0, 200));
      }
    }
  }
  return { errors, ...(score === null ? {} : measure(score)) };
}

function measure(score) {
  const found = { tracks: score.tracks.length, notes: 0, frets: [], tempos: [], bars: [], stringTwice: false };
  found.tempos = score.masterBars.flatMap((bar) => bar.tempoAutomations.map((one) => one.value));
  for (const track of score.tracks) {
    for (const staff of track.staves) {
      const last = staff.bars.findLastIndex((bar) => !bar.isEmpty); // those behind were added to match other tracks
      staff.bars
        .slice(0, last + 1)
        .forEach((bar) => bar.voices.forEach((voice, index) => measureVoice(found, bar, voice, index)));
    }
  }
  return found;
}

function measureVoice(found, bar, voice, index) {
  const beats = voice.beats.filter((beat) => !beat.isEmpty);
  if (index > 0 && beats.length === 0) return;
  const master = bar.masterBar;
  const ticks = beats.reduce((sum, beat) => sum + (beat.graceType === 0 ? beat.playbackDuration : 0), 0);
  const wanted = (QUARTER * 4 * master.timeSignatureNumerator) / master.timeSignatureDenominator;
  found.bars.push([ticks, master.isAnacrusis ? Math.min(ticks, wanted) : wanted]);
  for (const beat of beats) {
    const fretted = beat.notes.filter((note) => note.isStringed);
    const strings = fretted.map((note) => note.string);
    found.stringTwice ||= new Set(strings).size < strings.length;
    found.notes += beat.notes.length;
    found.frets.push(...fretted.map((note) => note.fret));
  }
}

process.stdout.write(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(judge)));
