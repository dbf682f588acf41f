import Foundation

/// Colours for numbers, from the smallest to the largest: viridis (van der Walt and Smith 2015). Its lightness rises
/// evenly, so that it says the same in grey and to eyes that see fewer colours.
///
///     ColourScale.viridis(0.25).hex   // "#3b528a"
package enum ColourScale {
  /// A colour of a screen, in sRGB.
  package struct Colour: Sendable, Hashable {
    /// Parts from 0 to 255.
    package let red, green, blue: UInt8

    /// As style sheets write it: `#3b528a`.
    package var hex: String { String(format: "#%02x%02x%02x", red, green, blue) }

    /// CIE L*, from 0 for black to 100 for white.
    package var lightness: Double {
      func linear(_ part: UInt8) -> Double {
        let share = Double(part) / 255
        return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
      }
      let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
      return luminance > 0.008856 ? 116 * cbrt(luminance) - 16 : 903.3 * luminance
    }

    /// Black or white, whichever is read better on this colour.
    package var ink: String { lightness > 52 ? "#000000" : "#ffffff" }
  }

  private static let anchors: [(Double, Double, Double)] = [
    (0x44, 0x01, 0x54), (0x48, 0x24, 0x75), (0x41, 0x44, 0x87), (0x35, 0x5f, 0x8d), (0x2a, 0x78, 0x8e),
    (0x21, 0x91, 0x8c), (0x22, 0xa8, 0x84), (0x44, 0xbf, 0x70), (0x7a, 0xd1, 0x51), (0xbd, 0xdf, 0x26),
    (0xfd, 0xe7, 0x25),
  ]

  /// The colour of a share from 0 to 1; what lies outside, or is no number, has the colour of the nearer end, or the
  /// lowest.
  package static func viridis(_ share: Double) -> Colour {
    let place = (share.isNaN ? 0 : min(1, max(0, share))) * Double(anchors.count - 1)
    let index = min(anchors.count - 2, Int(place))
    let (low, high, part) = (anchors[index], anchors[index + 1], place - Double(index))
    func mixed(_ a: Double, _ b: Double) -> UInt8 { UInt8((a + (b - a) * part).rounded()) }
    return Colour(red: mixed(low.0, high.0), green: mixed(low.1, high.1), blue: mixed(low.2, high.2))
  }
}
