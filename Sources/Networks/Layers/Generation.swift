import Tensors

extension Session {
  /// Runs time steps in a closed loop: each output becomes the next input.
  ///
  ///     let session = Session(network)
  ///     var text: [Int32] = []
  ///     session.generate(steps: 100, from: embed(start)) { output in
  ///       text.append(sample(softmax(readout(output))))
  ///       return embed(text.last!)
  ///     }
  ///
  /// - Parameters:
  ///   - steps: how many.
  ///   - input: the first step's input, of ``inputSize`` values in any shape.
  ///   - feedback: the next input from an output [1, outputSize]; `{ $0 }` where the output itself is. Called after
  ///     every step, the last too.
  /// - Returns: the outputs [steps, outputSize], and the input that a further step would have.
  @discardableResult
  public func generate(
    steps: Int, from input: Tensor, feedback: (Tensor) throws -> Tensor
  ) rethrows -> (outputs: Tensor, next: Tensor) {
    demand(steps >= 0, "Session: \(steps) steps of generation")
    var next = input
    var values: [Float] = []
    for _ in 0..<steps {
      let output = push(next)
      values += output.values
      next = try feedback(output.reshaped(to: [1, outputSize]))
    }
    return (Tensor(shape: [steps, outputSize], values: values), next)
  }
}
