import Networks
import Recurrence
import Tensors

/// Where the first number that is not finite came about in an update.
///
///     if case .skippedUpdate(let skipped) = event, let fault = skipped.fault { print(fault) }
///     // divide gave inf behind `encoder.cell.hidden`, time step 3 of sequence 0
///
/// An update whose loss or gradient is not finite is run a second time, step by step, on the same sequences with the
/// same noise and weights, and every value of it is looked at. Healthy updates pay nothing for it.
public struct NumericalFault: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The layer whose parameters the operation reads, or that are the nearest ones behind it: its path in the network;
  /// empty where no parameter is.
  public let layer: String
  /// The operation: `exp`, `product·ᵀ`, `crossEntropy`.
  public let operation: String
  /// Whether it came about on the way back, in a gradient.
  public let isBackward: Bool
  /// `nan`, `inf` or `-inf`.
  public let value: String
  /// The parameter whose values hold the number, where no operation made it; nil: an operation did, or it was among the
  /// data.
  public let parameter: String?
  /// Whether no operation made it: it was among the data, or the values of ``parameter``.
  public let isGiven: Bool
  /// The time step, from 0, in the order in which the recurrent layer walks; nil where the value belongs to none.
  public let timeStep: Int?
  /// The sequence of the minibatch, from 0; nil where the value belongs to none.
  public let sequence: Int?
  /// The row of the value, from 0, where it has rows.
  public let row: Int?

  /// One line: what, where, of which time step.
  public var description: String {
    let behind = layer.isEmpty ? "" : " behind `\(layer)`"
    let what =
      if let parameter, isGiven {
        "parameter `\(parameter)` holds \(value)"
      } else if isGiven {
        "\(operation)\(behind) was given \(value)"
      } else if isBackward {
        "the gradient of \(operation)\(behind) is \(value)"
      } else {
        "\(operation)\(behind) gave \(value)"
      }
    let place =
      if let timeStep, let sequence {
        ", time step \(timeStep) of sequence \(sequence)"
      } else if let row {
        ", row \(row)"
      } else {
        ""
      }
    return what + place
  }

  init(_ finding: FiniteCheck.Finding, parameters: [NamedParameter]) {
    let path = parameters.first { $0.parameter === finding.parameter }?.path
    layer = path.map { $0.split(separator: ".").dropLast().joined(separator: ".") } ?? ""
    operation = finding.operation
    isBackward = finding.isBackward
    value = finding.value.isNaN ? "nan" : finding.value > 0 ? "inf" : "-inf"
    isGiven = finding.isGiven
    parameter = finding.isGiven && finding.isParameter ? path : nil
    timeStep = finding.place?.step
    sequence = finding.place?.sequence
    row = finding.row
  }
}

extension Objective {
  /// Where the next loss, or its gradient, is first not finite; nil where stepwise all numbers are finite.
  ///
  /// It is the next loss of this copy: an objective that shares what it counts with its copies, as a class does, would
  /// go on with it, so that one is not asked.
  func nextFault() -> NumericalFault? {
    guard !(Self.self is any AnyObject.Type) else { return nil }
    var again = self
    let check = FiniteCheck()
    let tape = Tape(checking: check)
    guard let loss = try? Recording.$current.withValue(.tape(tape), operation: { try again.nextLoss() }) else {
      return nil
    }
    if check.finding == nil { _ = tape.cotangents(from: [(loss.mean, .ones(loss.mean.shape))]) }
    return check.finding.map { NumericalFault($0, parameters: network.parameters) }
  }
}
