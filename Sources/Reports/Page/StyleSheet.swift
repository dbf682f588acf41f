/// How a report looks: light and dark by the reader's setting, colours after Okabe and Ito for lines, viridis for
/// numbers.
enum StyleSheet {
  /// Lines of a chart: each has a colour and a pattern, which says the same without colour.
  static let lines: [(light: String, dark: String, dashes: String)] = [
    ("#0072b2", "#56b4e9", "none"), ("#d55e00", "#ff9a52", "7 4"), ("#00845f", "#2fc79b", "2 3"),
    ("#a5497f", "#e79bc6", "9 3 2 3"), ("#7a6000", "#f0c93d", "4 2"), ("#57606a", "#aab4bf", "1 3"),
  ]

  static var text: String {
    let light = lines.enumerated().map { "--line\($0): \($1.light);" }.joined(separator: " ")
    let dark = lines.enumerated().map { "--line\($0): \($1.dark);" }.joined(separator: " ")
    let patterns = lines.enumerated().map { number, line in
      """
      .line\(number) { stroke: var(--line\(number)); stroke-dasharray: \(line.dashes) }
      .name\(number), .dot\(number) { fill: var(--line\(number)) }
      """
    }.joined(separator: "\n")
    return """
      :root { color-scheme: light dark; --paper: #f6f7f9; --card: #ffffff; --edge: #dde2e8; --ink: #1b2027;
        --muted: #59636e; --grid: #e6eaee; --warn: #b34700; --good: #00694c; --bar: #0072b2; \(light) }
      @media (prefers-color-scheme: dark) {
        :root { --paper: #0d1117; --card: #151b23; --edge: #2d3640; --ink: #e6edf3; --muted: #9da7b3; --grid: #242c36;
          --warn: #ffab70; --good: #4fd8ab; --bar: #56b4e9; \(dark) }
      }
      \(page)
      \(charts)
      \(patterns)
      """
  }

  private static let page = """
    * { box-sizing: border-box }
    html { scroll-behavior: smooth }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 ui-sans-serif, system-ui,
      -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif }
    main, header, footer { max-width: 1160px; margin: 0 auto; padding: 0 24px }
    header { padding-top: 40px }
    h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; overflow-wrap: anywhere }
    h2 { font-size: 21px; margin: 0 0 4px }
    h3 { font-size: 16px; margin: 26px 0 6px; overflow-wrap: anywhere }
    p { margin: 6px 0; max-width: 78ch }
    .lead, .note { color: var(--muted) }
    .note { font-size: 14px }
    nav { display: flex; flex-wrap: wrap; gap: 6px 8px; margin: 22px 0 4px; padding: 0; list-style: none }
    nav a { color: var(--ink); text-decoration: none; font-size: 13.5px; padding: 3px 10px; border-radius: 20px;
      border: 1px solid var(--edge); background: var(--card) }
    nav a:hover, nav a:focus-visible { border-color: var(--line0); color: var(--line0) }
    section { background: var(--card); border: 1px solid var(--edge); border-radius: 14px; padding: 24px 28px 28px;
      margin: 20px 0; scroll-margin-top: 12px }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); gap: 12px; margin: 20px 0 }
    .tile { background: var(--card); border: 1px solid var(--edge); border-radius: 12px; padding: 12px 16px 13px }
    .tile b { display: block; font-size: 22px; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums }
    .tile span { color: var(--muted); font-size: 13px }
    .pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 18px 26px; align-items: start }
    .wide { grid-template-columns: minmax(0, 1.45fr) minmax(0, 1fr) }
    .texts { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 0 16px }
    .many { display: grid; grid-template-columns: repeat(auto-fill, minmax(228px, 1fr)); gap: 14px 22px }
    @media (max-width: 860px) {
      .pair, .wide { grid-template-columns: minmax(0, 1fr) }
      section { padding: 18px 16px 20px } main, header, footer { padding-left: 12px; padding-right: 12px }
    }
    figure { margin: 12px 0 0; min-width: 0 }
    figcaption { font-weight: 600; font-size: 14.5px; margin-bottom: 2px; overflow-wrap: anywhere }
    figcaption span { font-weight: 400; color: var(--muted); font-size: 13.5px; display: block }
    figure > svg, figure > img { display: block; width: 100%; height: auto }
    figure > img { border: 1px solid var(--edge); border-radius: 12px; max-width: max-content; margin: 8px auto 0 }
    .scroll { overflow-x: auto; margin-top: 10px }
    table { border-collapse: collapse; font-size: 14px; width: 100%; font-variant-numeric: tabular-nums }
    th { text-align: left; font-weight: 600; color: var(--muted); font-size: 13px; vertical-align: bottom }
    th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--grid); overflow-wrap: anywhere;
      min-width: 9em }
    td:first-child { min-width: 12em }
    td.n, th.n { text-align: right; white-space: nowrap; min-width: 0 }
    td svg { display: block }
    tbody tr:last-child td, tbody tr:last-child th { border-bottom: none }
    code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
      font-size: 13.5px }
    pre { background: var(--paper); border: 1px solid var(--edge); border-radius: 10px; padding: 14px 16px;
      margin: 10px 0; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5 }
    details { margin-top: 14px; font-size: 14px }
    summary { cursor: pointer; color: var(--muted) }
    .finding { border-left: 4px solid var(--warn); padding: 2px 0 2px 16px; margin: 16px 0 }
    .finding h3 { margin: 0; color: var(--warn) }
    .finding ul { margin: 4px 0; padding-left: 20px }
    .fine { border-left: 4px solid var(--good); padding: 4px 0 4px 16px; margin: 14px 0 0 }
    footer { color: var(--muted); font-size: 13.5px; padding-bottom: 40px }
    @media print { section { break-inside: avoid } body { background: none } nav { display: none } }
    """

  private static let charts = """
    svg text { fill: var(--ink); font-size: 12px; font-family: inherit }
    svg .tick { fill: var(--muted); font-variant-numeric: tabular-nums }
    svg .axis { fill: var(--muted); font-size: 12.5px }
    svg .end { text-anchor: end } svg .middle { text-anchor: middle }
    svg .name { font-weight: 600 }
    .grid { stroke: var(--grid); stroke-width: 1 }
    .base { stroke: var(--muted); stroke-width: 1; fill: none }
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round }
    .area { fill: var(--line0); opacity: 0.16 }
    .dot { stroke: var(--card); stroke-width: 1.5 }
    .faint { opacity: 0 } .faint:hover { opacity: 1 }
    .halo { paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round }
    .mark { fill: none; stroke: var(--ink); stroke-width: 1.6 }
    .bar { fill: var(--bar) }
    .track { fill: var(--grid) }
    .goal { stroke: var(--ink); stroke-width: 1.4; stroke-dasharray: 2 2 }
    """
}
