/** The report's style sheet: system fonts, two colour schemes, charts that are scrolled rather than squeezed on a phone. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --sheet: #ffffff; --ink: #1c1b19; --soft: #6b6861; --hair: #e6e2da; --band: #f4f1ec;
  --calm: #7f9bd6; --calm-ink: #2f5fd0; --critical: #b3201a; --high: #bd4310; --medium: #946200; --low: #666e79; --good: #1a7f4b; --on: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #141416; --sheet: #1b1c1f; --ink: #ecebe7; --soft: #9b9890; --hair: #303136; --band: #222327;
    --calm: #4d6bb0; --calm-ink: #8fb0ff; --critical: #ff6b62; --high: #ff9152; --medium: #e5b04a; --low: #9aa3af; --good: #4cc486; --on: #17181a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; -webkit-text-size-adjust: 100%; }
main { max-width: 1180px; margin: 0 auto; padding: 44px 28px 64px; }
.mark { margin: 0 0 20px; color: var(--soft); font-size: 14px; font-weight: 600; } .mark b { color: var(--ink); }
h1 { margin: 0; font-size: clamp(28px, 4.6vw, 46px); line-height: 1.1; letter-spacing: -.025em; font-weight: 700; text-wrap: balance; }
h1 .good { color: var(--good); } h1 .bad { color: var(--critical); }
h2 { font-size: 20px; letter-spacing: -.01em; margin: 48px 0 6px; } h3 { margin: 0 0 6px; font-size: 15px; }
.note { margin: 0 0 14px; color: var(--soft); max-width: 84ch; text-wrap: pretty; }
dl.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); margin: 34px 0 0; border-top: 1px solid var(--hair); border-bottom: 1px solid var(--hair); }
dl.numbers > div { padding: 16px 16px 14px 0; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
dl.numbers dt { color: var(--soft); font-size: 14px; } dl.numbers dd { margin: 0; font-size: 30px; line-height: 1.2; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
dl.numbers .bad { color: var(--critical); }
figure { margin: 14px 0 0; background: var(--sheet); border: 1px solid var(--hair); border-radius: 14px; padding: 14px 12px 10px; }
.scroll { overflow-x: auto; } .scroll:focus-visible { outline: 2px solid var(--calm-ink); outline-offset: 2px; border-radius: 10px; }
svg.chart { display: block; width: 100%; min-width: 1020px; height: auto; font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
figcaption { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 8px 6px 0; font-size: 14px; color: var(--soft); }
figcaption span { display: inline-flex; align-items: center; gap: 7px; } .chip { width: 12px; height: 12px; border-radius: 3px; }
.tick { fill: var(--soft); font-variant-numeric: tabular-nums; } .grid { stroke: var(--hair); } .axis { stroke: var(--soft); stroke-opacity: .6; }
.calm { fill: var(--calm); } .odd { fill: var(--critical); } .chip.calm { background: var(--calm); } .chip.odd { background: var(--critical); }
.critical { --of: var(--critical); } .high { --of: var(--high); } .medium { --of: var(--medium); } .low, .none { --of: var(--low); }
.span { stroke: var(--of); stroke-width: 3; stroke-linecap: round; } .dot { fill: var(--of); stroke: var(--sheet); stroke-width: 1.5; }
.cell { fill: var(--calm-ink); } .cell.empty { fill: var(--band); } .legend { width: 60px; height: 12px; } .chip.ring { border: 2px solid var(--critical); }
.ring { fill: none; stroke: var(--critical); stroke-width: 2; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); gap: 28px; align-items: start; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 8px 8px 0; text-align: right; border-bottom: 1px solid var(--hair); vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; font-size: 13px; overflow-wrap: normal; } th:first-child { text-align: left; width: 52%; } tbody th { font-weight: 600; } th small { display: block; color: var(--soft); font-weight: 400; }
.pill { display: inline-block; min-width: 2.6em; padding: 1px 9px; border-radius: 99px; background: var(--of); color: var(--on); font-size: 13px; font-weight: 700; text-align: center; } .pill.none { background: var(--band); color: var(--soft); }
details.incident { margin: 12px 0 0; background: var(--sheet); border: 1px solid var(--hair); border-left: 4px solid var(--of); border-radius: 10px; padding: 12px 16px; }
summary { cursor: pointer; font-weight: 650; } summary .when { display: block; padding-left: 1.2em; color: var(--soft); font-weight: 400; font-size: 14px; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 12px 0 14px; font-size: 14px; } .facts dt { color: var(--soft); } .facts dd { margin: 0; min-width: 0; } .facts code { display: inline-block; max-width: 100%; }
.reason { display: grid; grid-template-columns: minmax(200px, 5fr) minmax(160px, 4fr); gap: 4px 22px; padding: 10px 0; border-top: 1px solid var(--hair); font-size: 14px; }
.reason b small { color: var(--soft); font-weight: 600; } .reason p { margin: 2px 0 0; } .reason .expected { color: var(--soft); }
.bars { font-size: 12.5px; color: var(--soft); } .bars svg { display: block; width: 100%; height: 8px; margin: 1px 0 5px; border-radius: 4px; background: var(--band); }
.bits { fill: var(--of); } .seen { fill: var(--soft); } .usual { fill: var(--calm); }
.versus { display: grid; grid-template-columns: max-content 1fr; gap: 2px 10px; align-items: center; } .versus svg { margin: 0; }
code { font: 12.5px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { margin-top: 52px; color: var(--soft); font-size: 14px; }
@media (max-width: 640px) { main { padding: 28px 16px 48px; } .reason { grid-template-columns: 1fr; } thead th { font-size: 12px; } th:first-child { width: 45%; } .facts { grid-template-columns: 1fr; } .facts dd { margin-bottom: 6px; } }
@media print { body { background: #fff; } details.incident { break-inside: avoid; } }
`;
