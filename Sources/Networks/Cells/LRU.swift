import Foundation
import Tensors

/// The linear recurrent unit (Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences"): a
/// linear recurrence of complex numbers, each by itself, between products that mix them.
///
///     h' = λ * h + exp(γ) * B·x           λ = exp(-exp(ν) + i·exp(θ))
///     y  = Re(C·h') + D·x
///
/// Input [batch, inputSize], the state's parts h = real + i · imaginary [batch, hiddenSize], output y [batch,
/// outputSize]. The coefficients of the state are the same at all times, so that all products run before or after the
/// loop. |λ| stays below 1 whatever is learnt.
///
/// Begins as in the paper: λ evenly spread over a ring in the complex plane, `radii` and angles 0…`phase`; γ so that
/// exp(γ) = √(1 - |λ|²); B and C normal, of variance 1 / (2 · inputSize) and 1 / hiddenSize for their real and their
/// imaginary parts. D is a matrix and begins as Glorot's; in the paper's code, against which the rest was checked, it
/// is diagonal. The state begins as zeros.
///
///     let layer = Recurrent(LRU(inputSize: 3, hiddenSize: 8, radii: 0.9...0.999, using: &random))
public struct LRU: RecurrentCell {
  /// A complex number for each unit, [batch, hiddenSize] each.
  public struct State: RecurrentState {
    /// The parts of h.
    public var real, imaginary: Tensor

    /// Creates a state.
    public init(real: Tensor, imaginary: Tensor) { (self.real, self.imaginary) = (real, imaginary) }

    /// Real, imaginary.
    public static var parts: [WritableKeyPath<State, Tensor>] { [\.real, \.imaginary] }
  }

  /// ν, [hiddenSize].
  public let nuLog: Parameter
  /// θ, [hiddenSize].
  public let thetaLog: Parameter
  /// γ, [hiddenSize].
  public let gammaLog: Parameter
  /// The real part of B.
  public let inputReal: Linear
  /// The imaginary part of B.
  public let inputImaginary: Linear
  /// The real part of C.
  public let outputReal: Linear
  /// The imaginary part of C.
  public let outputImaginary: Linear
  /// D.
  public let skip: Linear

  /// A new cell. `outputSize` nil: as many values as the state has complex numbers. Traps unless 0 ≤ radii ≤ 1 and the
  /// phase is above 0.
  public init(
    inputSize: Int, hiddenSize: Int, outputSize: Int? = nil, radii: ClosedRange<Float> = 0...1, phase: Float = 2 * .pi,
    using random: inout RandomSource
  ) {
    demand(
      radii.lowerBound >= 0 && radii.upperBound <= 1 && phase > 0,
      "LRU: radii \(radii) and a phase of \(phase), and they must be in 0...1 and above 0")
    let outputs = outputSize ?? hiddenSize
    // Neither 0 nor 1: a logarithm is taken of both.
    func uniform() -> [Double] { random.uniform([hiddenSize], in: 1e-4...0.9999).values.map(Double.init) }
    let (low, high) = (pow(Double(radii.lowerBound), 2), pow(Double(radii.upperBound), 2))
    let squares = uniform().map { $0 * (high - low) + low }.map { min(max($0, 1e-7), 1 - 1e-7) }
    nuLog = Parameter(Tensor(squares.map { Float(Foundation.log(-0.5 * Foundation.log($0))) }))
    thetaLog = Parameter(Tensor(uniform().map { Float(Foundation.log(Double(phase) * $0)) }))
    gammaLog = Parameter(Tensor(squares.map { Float(0.5 * Foundation.log(1 - $0)) }))
    func layer(_ inputs: Int, _ outputs: Int, variance: Float) -> Linear {
      let normal = Initializer.normal(deviation: variance.squareRoot())
      return Linear(inputs: inputs, outputs: outputs, bias: false, initializer: normal, using: &random)
    }
    inputReal = layer(inputSize, hiddenSize, variance: 1 / Float(2 * inputSize))
    inputImaginary = layer(inputSize, hiddenSize, variance: 1 / Float(2 * inputSize))
    outputReal = layer(hiddenSize, outputs, variance: 1 / Float(hiddenSize))
    outputImaginary = layer(hiddenSize, outputs, variance: 1 / Float(hiddenSize))
    skip = Linear(inputs: inputSize, outputs: outputs, bias: false, using: &random)
  }

  /// Complex numbers of the state.
  public var hiddenSize: Int { nuLog.shape.last }
  /// Values in a row of the input.
  public var inputSize: Int { inputReal.inputSize }
  /// Values in a row of the output.
  public var outputSize: Int { outputReal.outputSize }

  /// Zeros, [batch, hiddenSize] each.
  public func initialState(batch: Int) -> State {
    State(real: .zeros([batch, hiddenSize]), imaginary: .zeros([batch, hiddenSize]))
  }

  /// The equations.
  public func step(_ x: Tensor, _ h: State) -> (output: Tensor, state: State) {
    let (radius, angle) = (exp(-exp(nuLog.tensor)), exp(thetaLog.tensor))
    let (a, b) = (radius * cos(angle), radius * sin(angle))
    let scale = exp(gammaLog.tensor)
    let real = a * h.real - b * h.imaginary + scale * inputReal(x)
    let imaginary = b * h.real + a * h.imaginary + scale * inputImaginary(x)
    let y = outputReal(real) - outputImaginary(imaginary) + skip(x)
    return (output: y, state: State(real: real, imaginary: imaginary))
  }
}
