import Foundation
import Tensors

/// The content of a safetensors file: named tensors in an order, and a few strings about them.
///
///     var file = SafeTensors(tensors: [("embedding.weight", weights)], metadata: ["step": "1200"])
///     try file.write(to: "weights.safetensors")
///     file = try SafeTensors.read(from: "weights.safetensors")
///     file["embedding.weight"]?.shape
///
/// In the file the values are F32 unless ``elementTypes`` says otherwise; here they are 32-bit floats. The files are
/// read by every other safetensors reader. What this library writes also holds a checksum for each tensor and one for
/// the header, so that a changed bit anywhere in the file is found when it is read here; files of other writers, which
/// have none, are read as well.
public struct SafeTensors: Sendable {
  /// What a tensor's values are in the file.
  public enum ElementType: String, Hashable, Sendable, CaseIterable {
    /// 32-bit floats.
    case float32 = "F32"
    /// The upper halves of 32-bit floats.
    case bfloat16 = "BF16"
    /// Whole numbers in -128...127.
    case int8 = "I8"

    /// Bytes of a value.
    public var byteCount: Int {
      switch self {
      case .float32: 4
      case .bfloat16: 2
      case .int8: 1
      }
    }
  }
  /// The tensors by name, in the order of their data in the file. Names are not empty and differ.
  public var tensors: [(name: String, tensor: Tensor)]
  /// Strings about the content. `format`, `version`, `checksum` and keys that begin with `checksum.` are the file's
  /// own: they are not shown here when this library wrote the file, and may not be written.
  public var metadata: [String: String]
  /// What the tensors' values are in the file, by name; `.float32` where there is no entry. The values must be numbers
  /// of that type: nothing is rounded when the file is written.
  public var elementTypes: [String: ElementType]

  /// Creates the content of a file.
  public init(
    tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:],
    elementTypes: [String: ElementType] = [:]
  ) {
    self.tensors = tensors
    self.metadata = metadata
    self.elementTypes = elementTypes
  }

  /// The tensor of a name, nil when there is none. Takes time in proportion to the number of tensors.
  public subscript(name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }

  /// The largest header that is read or written, in bytes.
  public static let headerLimit = 16 << 20
  /// The largest number of tensors in a file.
  public static let tensorLimit = 100_000
  /// The longest name of a tensor, in bytes of UTF-8.
  public static let nameLimit = 1024
  /// The most axes of a tensor.
  public static let axisLimit = 4

  /// What `version` says in files that this library writes; files with a greater one are refused.
  static let version = 1
  /// What `format` says in files that this library writes.
  static let format = "unroll"

  /// The keys of `metadata` that the format keeps for itself.
  enum Key {
    static let format = "format"
    static let version = "version"
    static let checksum = "checksum"
    static func checksum(of name: String) -> String { "checksum.\(name)" }
    static func isReserved(_ key: String) -> Bool {
      [format, version, checksum].contains(key) || key.hasPrefix("checksum.")
    }
  }
}
