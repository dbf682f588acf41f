import Foundation

/// Numbers as people read them.
package enum Figures {
  /// Three digits: `0.0123`, `1,234`, `1.23 × 10⁻⁷`.
  package static func short(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "no number" : value > 0 ? "∞" : "−∞" }
    guard value != 0 else { return "0" }
    // The exponent of the rounded number: 0.9999 is 1.00.
    let parts = String(format: "%.2e", value).split(separator: "e")
    let exponent = parts.count == 2 ? Int(parts[1]) ?? 0 : 0
    if exponent >= 6 || exponent < -3 { return signed(String(parts[0])) + " × " + power(exponent) }
    return exponent >= 3 ? whole(Int(value.rounded())) : fixed(value, max(0, 2 - exponent))
  }

  /// Without zeros that say nothing, for the ends of an axis: `0.5`, `−1`.
  package static func plain(_ value: Double) -> String {
    abs(value) >= 1e5 || (value != 0 && abs(value) < 1e-3) ? short(value) : signed(String(format: "%.3g", value))
  }

  /// A factor near 1, whose difference from 1 is what counts: `0.997`.
  package static func factor(_ value: Double) -> String {
    (0.1..<10).contains(value) ? fixed(value, 3) : short(value)
  }

  /// With commas between thousands.
  package static func whole(_ value: Int) -> String {
    var digits = String(value.magnitude)
    var place = digits.count - 3
    while place > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: place))
      place -= 3
    }
    return (value < 0 ? "−" : "") + digits
  }

  /// `10⁻³`.
  package static func power(_ exponent: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let text = String(exponent.magnitude).map { $0.wholeNumberValue.map { String(digits[$0]) } ?? "" }.joined()
    return "10" + (exponent < 0 ? "⁻" : "") + text
  }

  /// `12 %`, and `0.3 %` where that is something.
  package static func percent(_ share: Double) -> String {
    guard share.isFinite else { return short(share) }
    let percent = 100 * share
    let form = percent != 0 && abs(percent) < 9.95 ? "%.1f" : "%.0f"
    return signed(String(format: form, percent)) + " %"
  }

  /// With so many decimals.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    signed(String(format: "%.\(decimals)f", value))
  }

  /// `2 h 5 min`, `3 min 20 s`, `4.2 s`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return short(seconds) + " s" }
    if seconds < 60 { return String(format: seconds < 10 ? "%.1f s" : "%.0f s", seconds) }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// `1.5 MB`.
  package static func bytes(_ count: Int) -> String {
    let size = Double(count)
    if size >= 1e9 { return String(format: "%.1f GB", size / 1e9) }
    return size >= 1e6 ? String(format: "%.0f MB", size / 1e6) : String(format: "%.0f kB", size / 1e3)
  }

  /// A coordinate with at most two decimals.
  package static func place(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return hundredths % 100 == 0 ? "\(hundredths / 100)" : "\(Double(hundredths) / 100)"
  }

  private static func signed(_ text: String) -> String { text.hasPrefix("-") ? "−" + text.dropFirst() : text }
}
