import CKernels

/// How many bits the numbers of a network's matrices have when it runs.
///
/// Fewer bits take less memory, and less time where reading the weights takes most of it: above all at batch 1. The
/// products round the values that they multiply with in the same way; everything else stays 32-bit floats.
public enum Precision: String, Hashable, Sendable, Codable, CaseIterable {
  /// 32-bit floats.
  case float32
  /// Floats of 16 bits, 8 of them significant.
  case bfloat16
  /// Whole numbers in -127...127 with a scale for each output of a matrix.
  case int8

  var form: ur_precision {
    switch self {
    case .float32: UR_FLOAT32
    case .bfloat16: UR_BFLOAT16
    case .int8: UR_INT8
    }
  }
}
