import Foundation

/// One side of a chart: which values it shows, where they stand, and which of them are written.
package struct Axis {
  /// The form of the numbers.
  package enum Scale: Sendable { case linear, whole, logarithmic }

  package let scale: Scale
  private let low: Double
  private let high: Double

  /// An axis that shows all of `values` that it can: numbers, and above 0 on a logarithmic one.
  package init(_ values: [Double], _ scale: Scale) {
    self.scale = scale
    let known = values.filter { $0.isFinite && (scale != .logarithmic || $0 > 0) }
      .map { scale == .logarithmic ? log10($0) : $0 }
    let (least, most) = (known.min() ?? 0, known.max() ?? 1)
    // A line that stays where it is stands in the middle.
    let narrowest = scale == .linear ? max(abs(most) * 1e-3, 1e-12) : scale == .whole ? 1 : 0.3
    let missing = max(0, narrowest - (most - least)) / 2
    let margin = scale == .whole ? 0 : (most - least) * 0.05
    low = least == 0 && scale == .linear ? 0 : least - missing - margin
    high = most + missing + margin
  }

  /// Where a value stands, from 0 to 1; nil for what cannot be shown.
  package func place(_ value: Double) -> Double? {
    guard value.isFinite, scale != .logarithmic || value > 0 else { return nil }
    let place = ((scale == .logarithmic ? log10(value) : value) - low) / (high - low)
    return place.isFinite ? place : nil
  }

  /// The values that are written, with their places.
  package var ticks: [(place: Double, label: String)] {
    let all = scale == .logarithmic ? Self.logarithmicTicks(low, high) : linearTicks
    return all.compactMap { value, label in
      place(value).flatMap { $0 >= -1e-9 && $0 <= 1 + 1e-9 ? ($0, label) : nil }
    }
  }

  private var linearTicks: [(Double, String)] {
    // Numbers from one end of what Double holds to the other have no distance.
    guard (high - low).isFinite else { return [] }
    var step = Self.niceStep((high - low) / 5)
    if scale == .whole { step = max(1, step.rounded()) }
    let decimals = max(0, -Int(floor(log10(step) + 1e-9)))
    let (first, last) = ((low / step).rounded(.up), (high / step).rounded(.down))
    guard last >= first, last - first < 100 else { return [] }
    return stride(from: first, through: last, by: 1).map { number in
      let value = number * step
      let isLarge = abs(value) >= 1e6 || decimals > 5
      return (
        value,
        isLarge
          ? Figures.short(value)
          : decimals == 0 ? Figures.whole(Int(value.rounded())) : Figures.fixed(value == 0 ? 0 : value, decimals)
      )
    }
  }

  /// Values to write between two powers of ten, and somewhat beyond.
  static func logarithmicTicks(_ low: Double, _ high: Double) -> [(value: Double, label: String)] {
    let (first, last) = (Int(low.rounded(.down)), Int(high.rounded(.up)))
    if high - low < 2 {
      let parts: [Double] = high - low < 0.7 ? [1, 1.5, 2, 3, 4, 5, 6, 8] : [1, 2, 5]
      return (first...last).flatMap { decade in
        parts.map { part in (part * pow(10, Double(decade)), Self.plain(part, decade)) }
      }
    }
    let step = max(1, (last - first + 5) / 6)
    return (first...last).filter { $0 % step == 0 }.map { (pow(10, Double($0)), Figures.power($0)) }
  }

  private static func plain(_ part: Double, _ decade: Int) -> String {
    guard (-3...4).contains(decade) else {
      return Figures.fixed(part, part == 1.5 ? 1 : 0) + " × " + Figures.power(decade)
    }
    return Figures.fixed(part * pow(10, Double(decade)), max(0, (part == 1.5 ? 1 : 0) - decade))
  }

  /// 1, 2 or 5 times a power of ten, at least `step`.
  private static func niceStep(_ step: Double) -> Double {
    let decade = pow(10, floor(log10(step)))
    return ([1, 2, 5].first { $0 * decade >= step * (1 - 1e-9) } ?? 10) * decade
  }
}
