extension Diagram {
  /// The picture for Graphviz: `unroll inspect DIR --dot | dot -Tsvg`.
  package var dot: String {
    let label = ([title] + legend).map(\.printable).joined(separator: "\n").quoted
    var lines = [
      "digraph unroll {",
      "  rankdir=BT; newrank=true; label=\(label); labelloc=t; fontname=\"sans-serif\";",
      "  node [fontname=\"sans-serif\", fontsize=12, margin=\"0.12,0.06\"];",
      "  edge [fontname=\"sans-serif\", fontsize=10, arrowsize=0.7, color=\"#57606a\"];",
    ]
    for (column, heading) in columns.enumerated() {
      lines.append("  subgraph cluster_\(column) {")
      let color = heading.isEmpty ? "transparent" : "#d0d7de"
      lines.append("    label=\(heading.printable.quoted); labelloc=b; color=\"\(color)\"; style=rounded;")
      for (number, node) in nodes.enumerated() where node.column == column {
        lines.append("    n\(number) [\(attributes(node))];")
      }
      lines.append("  }")
    }
    for level in levels {
      lines.append("  { rank=same; \(level.map { "n\($0);" }.joined(separator: " ")) }")
    }
    lines += edges.map { "  n\($0.from) -> n\($0.to)\(attributes($0));" }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// Nodes that stand at one height: those with a row of their own; else leaves at the bottom and results at the top.
  private var levels: [[Int]] {
    let rows = Set(nodes.compactMap(\.row)).sorted().map { row in nodes.indices.filter { nodes[$0].row == row } }
    let entered = Set(edges.filter { $0.kind == .flow }.map(\.to))
    let free = nodes.indices.filter { nodes[$0].row == nil }
    let leaves = free.filter { !entered.contains($0) }
    let results = free.filter { entered.contains($0) && (nodes[$0].role == .state || nodes[$0].role == .output) }
    return (rows + [leaves, results]).filter { $0.count > 1 }
  }

  private func attributes(_ node: Node) -> String {
    let label = node.detail.isEmpty ? node.label.printable : node.label.printable + "\n" + node.detail.printable
    var attributes = ["label=\(label.quoted)", "tooltip=\(node.tooltip.printable.quoted)"]
    switch node.role {
    case .input, .output: attributes.append("shape=plaintext")
    case .state: attributes.append("shape=box, style=rounded, color=\"#d55e00\"")
    case .weights, .layer:
      let (fill, line) = Palette.ties[(node.tie ?? 0) % Palette.ties.count].light
      let ink = node.shade.map { ", fontcolor=\"\($0.colour.ink)\"" } ?? ""
      attributes.append(
        "shape=box, style=filled, fillcolor=\"\(node.shade?.colour.hex ?? fill)\", color=\"\(line)\"\(ink)")
    case .function: attributes.append("shape=ellipse")
    case .arithmetic: attributes.append("shape=circle, margin=0.02")
    case .arrangement: attributes.append("shape=box, color=\"#8c959f\"")
    }
    return attributes.joined(separator: ", ")
  }

  private func attributes(_ edge: Edge) -> String {
    switch edge.kind {
    case .flow: ""
    case .time: " [constraint=false, color=\"#d55e00\", label=\(edge.label.printable.quoted)]"
    case .delay:
      " [constraint=false, style=dashed, color=\"#d55e00\", "
        + "label=\((Self.delaySign + " " + edge.label).printable.quoted)]"
    }
  }
}

extension String {
  /// As a quoted string of the DOT language.
  fileprivate var quoted: String {
    let escaped = map { character -> String in
      switch character {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\n": "\\n"
      case "&": "&amp;"
      default: String(character)
      }
    }
    return "\"" + escaped.joined() + "\""
  }
}
