import Foundation
import Interchange
import Tensors

/// An array of numbers in NumPy's form, `.npy` (NEP 1), as 32-bit floats.
///
///     let features = try NumPyArray(contentsOf: "train-pooled-1280.npy")
///     features.extents   // [6000, 1280]
///
/// Read are little-endian floats of 2, 4 and 8 bytes, and whole numbers of 1 to 8 bytes, in C order.
public struct NumPyArray: Sendable {
  /// Extents of the axes, outermost first; none of a single number.
  public let extents: [Int]
  /// The values, row by row.
  public let values: [Float]
  /// Of the file's content.
  public let checksum: String

  /// An array of values. Traps when they are not as many as the extents say.
  public init(extents: [Int], values: [Float]) {
    demand(
      extents.reduce(1, *) == values.count, "NumPyArray: \(values.count) values do not fit extents \(extents)")
    (self.extents, self.values) = (extents, values)
    checksum = values.withUnsafeBytes { Checksum($0).description }
  }

  /// Reads a file, compressed by gzip or not. Throws when it is no such file, holds other numbers, stands in Fortran
  /// order, is cut off, or holds more than it says.
  public init(contentsOf path: String) throws(UnrollError) {
    try self.init(Gzip.read(from: path, limit: 8 << 30), at: path)
  }

  /// Reads the content of a file; `place` is for messages.
  public init(_ data: Data, at place: String) throws(UnrollError) {
    func damaged(_ message: String, _ hint: String = "save the array anew: numpy.save") -> UnrollError {
      UnrollError(.invalidData, message, at: place, hint: hint)
    }
    checksum = data.withUnsafeBytes { Checksum($0).description }
    let bytes = [UInt8](data)
    guard bytes.count >= 10, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw damaged("this is no NumPy file", "give a file that numpy.save wrote")
    }
    guard (1...3).contains(bytes[6]) else { throw damaged("the NumPy file has version \(bytes[6])") }
    let lengthSize = bytes[6] == 1 ? 2 : 4
    guard bytes.count >= 8 + lengthSize else { throw damaged("the NumPy file's header is cut off") }
    let length = (0..<lengthSize).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = 8 + lengthSize + length
    guard start <= bytes.count, let text = String(validating: bytes[(8 + lengthSize)..<start], as: UTF8.self),
      let header = Header(text)
    else { throw damaged("the NumPy file's header is cut off or damaged") }
    guard !header.isFortranOrder else {
      throw damaged("the array stands in Fortran order", "save numpy.ascontiguousarray(array)")
    }
    guard let kind = Kind(rawValue: header.descr) else {
      throw damaged("the array has values of the type `\(header.descr.prefix(20))`", "save array.astype('float32')")
    }
    var count = 1
    for extent in header.extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw damaged("the NumPy file's extents are too large") }
      count = product
    }
    let (size, overflow) = count.multipliedReportingOverflow(by: kind.size)
    guard !overflow, bytes.count - start == size else {
      throw damaged(
        "the NumPy file holds \(bytes.count - start) bytes of values, and by its extents "
          + "\(header.extents.map(String.init).joined(separator: " x ")) should hold \(overflow ? "more" : "\(size)")")
    }
    extents = header.extents
    values = bytes[start...].withUnsafeBytes { kind.floats($0, count: count) }
  }

  /// What the header's dictionary says.
  private struct Header {
    var descr = ""
    var isFortranOrder = false
    var extents: [Int] = []

    init?(_ text: String) {
      guard
        let descr = text.firstMatch(of: /'descr'\s*:\s*'([^']*)'/),
        let order = text.firstMatch(of: /'fortran_order'\s*:\s*(True|False)/),
        let shape = text.firstMatch(of: /'shape'\s*:\s*\(([0-9,\s]*)\)/)
      else { return nil }
      self.descr = String(descr.1)
      isFortranOrder = order.1 == "True"
      for part in shape.1.split(separator: ",") {
        let digits = part.trimmingCharacters(in: .whitespaces)
        if digits.isEmpty { continue }
        guard let extent = Int(digits) else { return nil }
        extents.append(extent)
      }
    }
  }

  private enum Kind: String {
    case half = "<f2"
    case single = "<f4"
    case double = "<f8"
    case byte = "|u1"
    case signedByte = "|i1"
    case short = "<i2"
    case unsignedShort = "<u2"
    case int = "<i4"
    case unsignedInt = "<u4"
    case long = "<i8"
    case unsignedLong = "<u8"

    var size: Int {
      switch self {
      case .byte, .signedByte: 1
      case .half, .short, .unsignedShort: 2
      case .single, .int, .unsignedInt: 4
      case .double, .long, .unsignedLong: 8
      }
    }

    func floats(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Float] {
      func each<T: FixedWidthInteger>(_: T.Type, _ float: (T) -> Float) -> [Float] {
        (0..<count).map { float(T(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * T.bitWidth / 8, as: T.self))) }
      }
      switch self {
      case .half: return each(UInt16.self, Self.float(half:))
      case .single: return each(UInt32.self) { Float(bitPattern: $0) }
      case .double: return each(UInt64.self) { Float(Double(bitPattern: $0)) }
      case .byte: return each(UInt8.self) { Float($0) }
      case .signedByte: return each(Int8.self) { Float($0) }
      case .short: return each(Int16.self) { Float($0) }
      case .unsignedShort: return each(UInt16.self) { Float($0) }
      case .int: return each(Int32.self) { Float($0) }
      case .unsignedInt: return each(UInt32.self) { Float($0) }
      case .long: return each(Int64.self) { Float($0) }
      case .unsignedLong: return each(UInt64.self) { Float($0) }
      }
    }

    /// IEEE 754 binary16; Swift has no `Float16` on every machine that this runs on.
    private static func float(half bits: UInt16) -> Float {
      let sign: Float = bits & 0x8000 == 0 ? 1 : -1
      let (exponent, fraction) = (Int(bits >> 10) & 0x1F, Float(bits & 0x3FF))
      switch exponent {
      case 0: return sign * fraction * 0x1p-24
      case 31: return fraction == 0 ? sign * .infinity : .nan
      default: return sign * (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
      }
    }
  }
}
