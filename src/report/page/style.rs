//! How the page looks: on a screen, in the dark, on paper.

/// The page's style sheet.
pub const CSS: &str = "\
:root { color-scheme: light dark; --ink: #1c1f24; --dim: #5b626c; --paper: #fff; --line: #d9dde3; --soft: #f4f5f7; --high: #b3261e;
  --low: #1d5fa8; --again: #9a5b00; --link: #1d5fa8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --dim: #a3abb5; --paper: #15181c; --line: #363c44; --soft: #1e2227; --high: #ff8a80; --low: #8ab8f0;
    --again: #f0b35a; --link: #8ab8f0; }
  .chart { background: #fff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem 1.25rem 3rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 0 0 .5rem; }
a { color: var(--link); }
.lead { color: var(--dim); margin: 0 0 1rem; }
.calm { padding: .75rem 1rem; background: var(--soft); border-radius: 6px; }
.alarms { list-style: none; margin: 0; padding: 0; }
.alarms li { padding: .75rem 1rem; margin: 0 0 .5rem; border-left: 4px solid var(--high); background: var(--soft); border-radius: 0 6px 6px 0; }
.chart { border-radius: 6px; overflow-x: auto; }
.chart svg { display: block; width: 100%; height: auto; min-width: 40rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--dim); padding: 0 0 .4rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); }
thead th { white-space: nowrap; border-bottom: 2px solid var(--line); }
tbody th, tbody td:not(.why) { white-space: nowrap; font-weight: normal; }
tr.flag { background: var(--soft); }
tr.flag th, tr.flag td:not(.why) { font-weight: 600; }
.why { min-width: 20rem; width: 50%; }
.badge { display: inline-block; padding: .05rem .5rem; border: 1px solid currentColor; border-radius: 99px; font-size: .82rem;
  font-weight: 600; white-space: nowrap; color: var(--dim); }
.badge.high { color: var(--high); } .badge.low { color: var(--low); } .badge.recurrent { color: var(--again); }
article { margin: 0 0 1.75rem; }
article:target h3 { text-decoration: underline; }
article img { display: block; max-width: 100%; height: auto; border-radius: 4px; background: #333; }
.facts, .note, .trains { margin: .4rem 0 0; font-size: .92rem; }
.facts { color: var(--dim); }
code { font-size: .9em; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } }
footer { margin-top: 2.5rem; color: var(--dim); font-size: .9rem; border-top: 1px solid var(--line); }
@media print {
  :root { --ink: #000; --dim: #444; --paper: #fff; --soft: #fff; --line: #bbb; --high: #b3261e; --low: #1d5fa8; --again: #9a5b00; --link: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  table { font-size: 8.5pt; } .chart svg { min-width: 0; } .scroll { overflow: visible; } .why { min-width: 0; }
  tr, article, .alarms li { break-inside: avoid; } thead { display: table-header-group; } a { text-decoration: none; } }
";
