/** The report's style sheet: system fonts, two colour schemes, and a chart that is scrolled rather than squeezed on a phone. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --sheet: #ffffff; --ink: #1c1b19; --soft: #6b6861; --hair: #e6e2da; --band: #f4f1ec;
  --a: #2f5fd0; --a-soft: #c9d7f8; --a-ink: #ffffff; --a-soft-ink: #1d3c86;
  --b: #e0902b; --b-soft: #f9e0bd; --b-ink: #2a1900; --b-soft-ink: #7a4a08;
  --good: #1a7f4b; --bad: #c8321f; --bad-soft: #fbe3df; --grace: #ded9cf; --prepare: #58544c; --dead: #d9d4ca;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #141416; --sheet: #1b1c1f; --ink: #ecebe7; --soft: #9b9890; --hair: #303136; --band: #222327;
    --a: #5f8bec; --a-soft: #26375f; --a-ink: #0a1530; --a-soft-ink: #bdd0ff;
    --b: #dd9c43; --b-soft: #553c17; --b-ink: #251600; --b-soft-ink: #ffdca6;
    --good: #4cc486; --bad: #ff7a66; --bad-soft: #4a211b; --grace: #3b3c41; --prepare: #b5b1a6; --dead: #3a3b40;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; -webkit-text-size-adjust: 100%; }
main { max-width: 1180px; margin: 0 auto; padding: 44px 28px 64px; }
.mark { margin: 0 0 20px; font-weight: 600; letter-spacing: .01em; color: var(--soft); font-size: 14px; }
.mark b { color: var(--ink); }
h1 { margin: 0; font-size: clamp(30px, 5vw, 50px); line-height: 1.08; letter-spacing: -.025em; font-weight: 700; max-width: 22ch; text-wrap: balance; }
h1 .good { color: var(--good); } h1 .bad { color: var(--bad); }
.lede { margin: 18px 0 0; max-width: 68ch; color: var(--soft); font-size: 17px; }
h2 { font-size: 20px; letter-spacing: -.01em; margin: 52px 0 6px; }
.note { margin: 0 0 14px; color: var(--soft); max-width: 76ch; }
dl.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); margin: 36px 0 0; padding: 0; border-top: 1px solid var(--hair); border-bottom: 1px solid var(--hair); }
dl.numbers > div { padding: 18px 18px 16px 0; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
dl.numbers dt { color: var(--soft); font-size: 14px; line-height: 1.35; }
dl.numbers dd { margin: 0; font-size: 34px; line-height: 1.2; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
dl.numbers .good { color: var(--good); } dl.numbers .bad { color: var(--bad); }
figure { margin: 14px 0 0; background: var(--sheet); border: 1px solid var(--hair); border-radius: 14px; padding: 14px 8px 6px; position: relative; }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; }
.scroll:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; border-radius: 10px; }
svg { display: block; width: 100%; min-width: 860px; height: auto; font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
figcaption { display: flex; flex-wrap: wrap; gap: 6px 20px; padding: 8px 14px 10px; font-size: 14px; color: var(--soft); }
figcaption span { display: inline-flex; align-items: center; gap: 7px; white-space: nowrap; }
.chip { width: 12px; height: 12px; border-radius: 3px; flex: none; }
.chip.a { background: var(--a); } .chip.b { background: var(--b); } .chip.prepare { background: var(--prepare); } .chip.grace { background: var(--grace); } .chip.retire { background: var(--good); }
.chip.dead { background: repeating-linear-gradient(45deg, var(--dead) 0 2px, transparent 2px 4px); border: 1px solid var(--dead); } .chip.kill { background: var(--bad-soft); border: 1px dashed var(--bad); }
.band { fill: var(--band); } .band-name { fill: var(--soft); font-weight: 600; }
.track-name { fill: var(--ink); font-weight: 600; } .tick { fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--hair); } .axis { stroke: var(--soft); stroke-opacity: .6; }
.area.a { fill: var(--a); } .area.b { fill: var(--b); }
.zero { stroke: var(--good); stroke-width: 2; } .zero.broken { stroke: var(--soft); stroke-width: 1; }
.zero-text { font-weight: 700; font-size: 14px; } .zero-text.good { fill: var(--good); } .zero-text.bad { fill: var(--bad); } .failed { fill: var(--bad); }
.label.current.a, .label.pending.a { fill: var(--a); } .label.current.b, .label.pending.b { fill: var(--b); }
.label.previous.a { fill: var(--a-soft); } .label.previous.b { fill: var(--b-soft); }
.ink { font-weight: 600; } .ink.current.a { fill: var(--a-ink); } .ink.current.b { fill: var(--b-ink); } .ink.previous.a { fill: var(--a-soft-ink); } .ink.previous.b { fill: var(--b-soft-ink); }
.version { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-weight: 400; font-size: 11.5px; }
.dead { fill: url(#dead); stroke: var(--dead); } .dead-ground { fill: var(--sheet); } .dead-line { stroke: var(--dead); stroke-width: 2; }
.dead-ink { fill: var(--soft); paint-order: stroke; stroke: var(--sheet); stroke-width: 5px; stroke-linejoin: round; }
.phase.prepare { fill: var(--prepare); } .phase.grace { fill: var(--grace); } .phase.retire { fill: var(--good); } .phase.unattended { fill: var(--bad-soft); stroke: var(--bad); stroke-dasharray: 3 2; }
.step { stroke: var(--sheet); stroke-width: 1; stroke-opacity: .75; } .grace-ink { fill: var(--soft); }
.marker.publish { stroke: var(--ink); stroke-opacity: .45; stroke-dasharray: 2 3; } .marker.kill { stroke: var(--bad); stroke-width: 1.5; } .marker.resume { stroke: var(--good); stroke-width: 1.5; }
.pill text { font-size: 11.5px; font-weight: 700; } .pill rect { fill: var(--sheet); stroke-width: 1.5; } .pill.kill rect { stroke: var(--bad); } .pill.kill text { fill: var(--bad); } .pill.resume rect { stroke: var(--good); } .pill.resume text { fill: var(--good); }
.cross { stroke: var(--ink); stroke-width: 1; stroke-opacity: .55; }
#tip { position: absolute; top: 8px; left: 0; pointer-events: none; background: var(--ink); color: var(--ground); border-radius: 8px; padding: 6px 10px; font-size: 13px; line-height: 1.4; font-variant-numeric: tabular-nums; white-space: nowrap; }
#tip[hidden] { display: none; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 9px 8px; text-align: right; border-bottom: 1px solid var(--hair); white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; font-size: 13px; vertical-align: bottom; }
tbody th, td.text, th.text { text-align: left; } tbody th { font-weight: 650; }
td.proof { color: var(--good); font-weight: 600; } td.proof.bad { color: var(--bad); }
td.killed { background: var(--bad-soft); } td.killed small { display: block; color: var(--bad); font-weight: 600; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; } .dot.a { background: var(--a); } .dot.b { background: var(--b); }
details { margin-top: 36px; border-top: 1px solid var(--hair); padding-top: 14px; } summary { cursor: pointer; font-weight: 600; } details table { max-width: 560px; margin-top: 10px; }
.facts { columns: 2 320px; column-gap: 44px; padding-left: 20px; margin: 8px 0 0; } .facts li { margin: 0 0 8px; break-inside: avoid; }
footer { margin-top: 52px; color: var(--soft); font-size: 14px; }
@media (max-width: 640px) { main { padding: 28px 16px 48px; } dl.numbers dd { font-size: 28px; } }
@media print { body { background: #fff; } figure { break-inside: avoid; } }
`;
