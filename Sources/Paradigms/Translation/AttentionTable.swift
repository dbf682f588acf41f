/// Where a decoder looked while it wrote: a weight for each piece that was read, at each piece that was written.
///
///     print(model.attention(from: "two dogs", to: model.predict(["two dogs"])[0].translations[0]).text)
///
///           two dogs
///     zwei   91    9
///     hunde   6   94
///     <eos>  30   70
public struct AttentionTable: Hashable, Sendable, Encodable {
  /// The pieces that were read.
  public let source: [String]
  /// The pieces that were written, and their end.
  public let target: [String]
  /// [target, source]; each row sums to 1.
  public let weights: [[Float]]

  /// Weights in percent, a line for each piece that was written, under a line with those that were read.
  public var text: String {
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    let first = target.map(\.count).max() ?? 0
    let widths = source.map { max(3, $0.count) }
    func line(_ name: String, _ cells: [String]) -> String {
      name + String(repeating: " ", count: max(0, first - name.count))
        + zip(cells, widths).map { " " + padded($0, $1) }.joined()
    }
    let rows = zip(target, weights).map { name, row in line(name, row.map { "\(Int((100 * $0).rounded()))" }) }
    return ([line("", source)] + rows).joined(separator: "\n")
  }
}
