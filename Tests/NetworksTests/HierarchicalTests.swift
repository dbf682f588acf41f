import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Recurrences over parts of elements.
@Suite struct HierarchicalTests {
  /// Documents of sentences of words of characters; empty words, sentences and documents among them.
  static let documents: [[[[Int32]]]] = [
    [[[1, 2, 3], [], [4]], [], [[5, 6]]], [], [[[], []]], [[[0, 1], [2, 2, 2, 2, 1], [3]], [[4]]],
  ]

  struct Network: Module {
    let characters: Embedding
    let network: Hierarchical

    init(using random: inout RandomSource, features: Int = 0) {
      characters = Embedding(tokens: 7, size: 3, using: &random)
      let words = Encoder(
        Bidirectional(
          forward: GRU(inputSize: 3, hiddenSize: 2, using: &random),
          backward: LSTM(inputSize: 3, hiddenSize: 2, using: &random)),
        pooling: .state(["forward.hidden", "backward.hidden"]))
      let sentences = Encoder(
        TestCell.all[5].layer(input: 4 + features, hidden: 5, using: &random), pooling: .maximum)
      network = Hierarchical([words, sentences], TestCell.all[2].layer(input: 5, hidden: 3, using: &random))
    }
  }

  private static func batch(_ documents: [[[[Int32]]]]) -> NestedBatch<TokenBatch> {
    NestedBatch(documents.flatMap { $0 }).grouped(by: documents.map(\.count))
  }

  @Test func nestedBatchesCountTheirParts() {
    let batch = Self.batch(Self.documents)
    #expect(batch.parts.layout.lengths == [3, 0, 1, 2, 0, 0, 2, 5, 1, 1])
    #expect(batch.levels.map(\.layout.lengths) == [[3, 0, 1, 2, 3, 1], [3, 0, 1, 2]])
    #expect(NestedBatch([[[[1, 2]], []], []]).parts.sequence(0) == Tensor([[1, 2]]))
  }

  /// Word by word, sentence by sentence, document by document: the same bits.
  @Test func levelsAreRunByHand() {
    var random = RandomSource(seed: 111)
    let model = Network(using: &random, features: 2)
    let layout = Layout(lengths: Self.documents.flatMap { $0 }.map(\.count))
    let known = SequenceBatch(rows: random.uniform([layout.rowCount, 2], in: -1...1), layout: layout)
    let nested = Self.batch(Self.documents).mapParts { model.characters($0) }.adding(known)
    var evaluation = Evaluation.inference
    let state = model.network.initialState(batch: 4).randomised(using: &random)
    let result = model.network(nested, from: state, in: &evaluation)
    #expect(result.output.lengths == [3, 0, 1, 2])
    func sequence(_ vectors: [Tensor], _ features: Int) -> SequenceBatch {
      SequenceBatch([vectors.map(\.values)]).rows.shape[0] == vectors.count && !vectors.isEmpty
        ? SequenceBatch([vectors.map(\.values)])
        : SequenceBatch(rows: .zeros([0, features]), layout: Layout(time: 0, batch: 1))
    }
    let (words, sentences) = (model.network.encoders[0], model.network.encoders[1])
    var sentenceNumber = 0
    for (d, document) in Self.documents.enumerated() {
      let vectors = document.map { sentence -> Tensor in
        defer { sentenceNumber += 1 }
        let features = known.sequence(sentenceNumber)
        let elements = sentence.enumerated().map { i, word in
          concatenated(words(model.characters(TokenBatch([word]))).vector, features.rows(i..<i + 1))
        }
        return sentences(sequence(elements, 6)).vector
      }
      let alone = model.network.top(sequence(vectors, 5), from: state.rows([d]), in: &evaluation)
      #expect(alone.output.rows == result.output.sequence(d), "document \(d)")
      #expect(alone.state["hidden"] == result.state["hidden"]?.rows(d..<d + 1), "document \(d)")
    }
  }

  /// Documents cut between sentences, the highest level's state carried.
  @Test func chunksEqualTheWhole() {
    var random = RandomSource(seed: 112)
    let model = Network(using: &random)
    var evaluation = Evaluation.inference
    func run(_ documents: [[[[Int32]]]], from state: LayerState) -> (output: SequenceBatch, state: LayerState) {
      model.network(Self.batch(documents).mapParts { model.characters($0) }, from: state, in: &evaluation)
    }
    let state = model.network.initialState(batch: 4)
    let whole = run(Self.documents, from: state)
    let first = run(Self.documents.map { Array($0.prefix(1)) }, from: state)
    let second = run(Self.documents.map { Array($0.dropFirst(1)) }, from: first.state)
    for d in 0..<4 {
      #expect(
        first.output.sequence(d).values + second.output.sequence(d).values == whole.output.sequence(d).values)
    }
    #expect(second.state["hidden"] == whole.state["hidden"])
    let nested = Self.batch(Self.documents).mapParts { model.characters($0) }
    #expect(model.network(nested).output.rows == whole.output.rows)
  }

  /// An encoder for each element as it comes, and a session of the highest layer.
  @Test func elementsStream() {
    var random = RandomSource(seed: 113)
    let words = Encoder(TestCell.all[2].layer(input: 2, hidden: 3, using: &random), pooling: .mean)
    let network = Hierarchical(words, TestCell.all[5].layer(input: 3, hidden: 4, using: &random))
    let values: [[[Float]]] = [[[1, 2], [3, 4]], [], [[5, 6]]]
    let whole = network(NestedBatch([values])).output
    let session = Session(network.top)
    for (i, word) in values.enumerated() {
      let parts =
        word.isEmpty
        ? SequenceBatch(rows: .zeros([0, 2]), layout: Layout(time: 0, batch: 1)) : SequenceBatch([word])
      #expect(session.push(words(parts).vector).values == whole.rows.rows(i..<i + 1).values)
    }
  }

  private static func loss(_ model: Network, _ unrolling: Unrolling) -> Tensor {
    var weights = RandomSource(seed: 114)
    var evaluation = Evaluation(unrolling: unrolling)
    let nested = batch(documents).mapParts { model.characters($0) }
    let result = model.network(nested, from: model.network.initialState(batch: 4), in: &evaluation)
    let all = [result.output.rows] + result.state.parts.map(\.tensor)
    return all.map { ($0 * weights.uniform($0.shape, in: -1...1)).sum() }.reduce(Tensor.zeros([]), +)
  }

  @Test func gradientsReachAllLevels() {
    var random = RandomSource(seed: 115)
    let model = Network(using: &random)
    let names = Dictionary(uniqueKeysWithValues: model.parameters.map { (ObjectIdentifier($0.parameter), $0.path) })
    let comparisons = compareGradients(leaves: [], names: names) { _ in Self.loss(model, .stepwise) }
    for comparison in comparisons { #expect(comparison.error < 1e-4, "\(comparison)") }
    #expect(comparisons.count == model.parameters.count)
    func gradients(_ unrolling: Unrolling) -> Outcome {
      let gradients = valueAndGradient(of: model) { Self.loss(model, unrolling) }.gradients
      return Outcome(named: model.parameters.map { (name: $0.path, tensor: gradients[$0.parameter]!) })
    }
    let difference = gradients(.compiled).difference(to: gradients(.stepwise))
    #expect(difference.error < 1e-4, "\(difference)")
  }

  @Test func batchesWithoutElementsRun() {
    var random = RandomSource(seed: 116)
    let model = Network(using: &random)
    for documents in [[[], []], [[[]], []], [[[[]]]]] as [[[[[Int32]]]]] {
      let result = model.network(Self.batch(documents).mapParts { model.characters($0) })
      #expect(result.output.lengths == documents.map(\.count))
      #expect(result.state["hidden"]?.shape == [documents.count, 3])
    }
  }
}
