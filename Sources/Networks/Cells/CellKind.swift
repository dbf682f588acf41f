import Recurrence
import Tensors

/// The library's cells by name: what the command line and model files call them, and what is known of each. A new cell
/// is a case here, and its entry below, unless its rows are of a layout of their own (``GRUD``).
public enum CellKind: String, Hashable, Sendable, Codable, CaseIterable {
  /// The plain cell, ``Elman``.
  case elman
  /// ``Elman`` of rectified units; with `identity` recurrent weights it is the IRNN.
  case elmanReLU = "elman-relu"
  /// ``IndRNN``.
  case indrnn
  /// ``MGU``.
  case mgu
  /// The textbook's ``GRU``.
  case gru
  /// PyTorch's ``GRU``, with the reset gate after the product.
  case gruResetAfter = "gru-reset-after"
  /// ``LSTM``.
  case lstm
  /// ``VariantLSTM`` with peepholes.
  case lstmPeepholes = "lstm-peepholes"
  /// ``VariantLSTM`` with coupled gates.
  case lstmCoupled = "lstm-coupled"
  /// ``MultiplicativeLSTM``.
  case multiplicativeLSTM = "multiplicative-lstm"
  /// ``MinGRU``.
  case minGRU = "mingru"
  /// ``MinLSTM``.
  case minLSTM = "minlstm"
  /// ``SRU``.
  case sru
  /// ``RHN`` of three highway layers.
  case rhn
  /// ``LayerNormLSTM``.
  case layerNormLSTM = "layer-norm-lstm"
  /// ``LayerNormGRU``.
  case layerNormGRU = "layer-norm-gru"
  /// ``Jordan`` with as many outputs as hidden units.
  case jordan
  /// ``LiGRU`` with layer normalisation.
  case liGRU = "li-gru"
  /// ``SLSTM`` of one head.
  case sLSTM = "slstm"
  /// ``MLSTM`` of one head.
  case mLSTM = "mlstm"
  /// ``QRNN`` that sees one time step of the input.
  case qrnn
  /// ``RGLRU``.
  case rgLRU = "rg-lru"
  /// ``LRU`` with as many outputs as complex numbers.
  case lru
  /// ``CfC`` at regular steps.
  case cfc

  private struct Entry {
    /// Authors, year, title.
    let paper: String
    /// Gates and candidates.
    let gates: Int
    /// Learnt values for values x of the input and h of the hidden state.
    let parameters: (_ x: Int, _ h: Int) -> Int
    let make: (_ x: Int, _ h: Int, CellInitialization, inout RandomSource) -> any SequenceLayer
  }

  private var entry: Entry {
    switch self {
    case .elman:
      Entry(paper: "Elman 1990, Finding structure in time", gates: 1, parameters: { x, h in h * (h + x + 1) }) {
        Recurrent(Elman(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3))
      }
    case .elmanReLU:
      Entry(
        paper: "Le, Jaitly & Hinton 2015, A simple way to initialize recurrent networks of rectified linear units",
        gates: 1, parameters: { x, h in h * (h + x + 1) }
      ) { Recurrent(Elman(inputSize: $0, hiddenSize: $1, activation: .relu, initialization: $2, using: &$3)) }
    case .indrnn:
      Entry(
        paper: "Li et al. 2018, Independently recurrent neural network (IndRNN)", gates: 1,
        parameters: { x, h in h * (x + 2) }
      ) { Recurrent(IndRNN(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .mgu:
      Entry(
        paper: "Zhou et al. 2016, Minimal gated unit for recurrent neural networks", gates: 2,
        parameters: { x, h in 2 * h * (h + x + 1) }
      ) { Recurrent(MGU(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .gru:
      Entry(
        paper: "Cho et al. 2014, Learning phrase representations using RNN encoder-decoder", gates: 3,
        parameters: { x, h in 3 * h * (h + x + 1) }
      ) { Recurrent(GRU(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .gruResetAfter:
      Entry(
        paper: "Cho et al. 2014; in the form of cuDNN and PyTorch", gates: 3,
        parameters: { x, h in 3 * h * (h + x + 1) + h }
      ) { Recurrent(GRU(.resetAfter, inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .lstm:
      Entry(
        paper: "Hochreiter & Schmidhuber 1997, Long short-term memory; Gers et al. 2000, Learning to forget", gates: 4,
        parameters: { x, h in 4 * h * (h + x + 1) }
      ) { Recurrent(LSTM(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .lstmPeepholes:
      Entry(
        paper: "Gers & Schmidhuber 2000, Recurrent nets that time and count", gates: 4,
        parameters: { x, h in 4 * h * (h + x + 1) + 3 * h }
      ) {
        let options = VariantLSTM.Options(peepholes: true)
        return Recurrent(
          VariantLSTM(inputSize: $0, hiddenSize: $1, options: options, initialization: $2, using: &$3))
      }
    case .lstmCoupled:
      Entry(
        paper: "Greff et al. 2015, LSTM: a search space odyssey", gates: 3,
        parameters: { x, h in 3 * h * (h + x + 1) }
      ) {
        let options = VariantLSTM.Options(couplesGates: true)
        return Recurrent(
          VariantLSTM(inputSize: $0, hiddenSize: $1, options: options, initialization: $2, using: &$3))
      }
    case .multiplicativeLSTM:
      Entry(
        paper: "Krause et al. 2016, Multiplicative LSTM for sequence modelling", gates: 4,
        parameters: { x, h in 4 * h * (h + x + 1) + h * (h + x) }
      ) { Recurrent(MultiplicativeLSTM(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .minGRU:
      Entry(paper: "Feng et al. 2024, Were RNNs all we needed?", gates: 2, parameters: { x, h in 2 * h * (x + 1) }) {
        Recurrent(MinGRU(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3))
      }
    case .minLSTM:
      Entry(paper: "Feng et al. 2024, Were RNNs all we needed?", gates: 3, parameters: { x, h in 3 * h * (x + 1) }) {
        Recurrent(MinLSTM(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3))
      }
    case .sru:
      Entry(
        paper: "Lei et al. 2018, Simple recurrent units for highly parallelizable recurrence", gates: 3,
        parameters: { x, h in h * (3 * x + 4) + (x == h ? 0 : h * x) }
      ) { Recurrent(SRU(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .rhn:
      Entry(
        paper: "Zilly et al. 2017, Recurrent highway networks", gates: 6,
        parameters: { x, h in 2 * h * (3 * (h + 1) + x) }
      ) { Recurrent(RHN(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .layerNormLSTM:
      Entry(
        paper: "Ba et al. 2016, Layer normalization", gates: 4, parameters: { x, h in 4 * h * (h + x) + 14 * h }
      ) { Recurrent(LayerNormLSTM(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .layerNormGRU:
      Entry(
        paper: "Ba et al. 2016, Layer normalization", gates: 3, parameters: { x, h in 3 * h * (h + x) + 10 * h }
      ) { Recurrent(LayerNormGRU(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .jordan:
      Entry(
        paper: "Jordan 1986, Serial order: a parallel distributed processing approach", gates: 2,
        parameters: { x, h in h * (h + x + 1) + h * (h + 1) }
      ) { Recurrent(Jordan(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .liGRU:
      Entry(
        paper: "Ravanelli et al. 2018, Light gated recurrent units for speech recognition", gates: 2,
        parameters: { x, h in 2 * h * (h + x + 2) }
      ) { Recurrent(LiGRU(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .sLSTM:
      Entry(
        paper: "Beck et al. 2024, xLSTM: extended long short-term memory", gates: 4,
        parameters: { x, h in 4 * h * (h + x + 1) }
      ) { Recurrent(SLSTM(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .mLSTM:
      Entry(
        paper: "Beck et al. 2024, xLSTM: extended long short-term memory", gates: 4,
        parameters: { x, h in (4 * h + 2) * (x + 1) }
      ) { Recurrent(MLSTM(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .qrnn:
      Entry(
        paper: "Bradbury et al. 2016, Quasi-recurrent neural networks", gates: 3,
        parameters: { x, h in 3 * h * (x + 1) }
      ) { Recurrent(QRNN(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .rgLRU:
      Entry(
        paper: "De et al. 2024, Griffin: mixing gated linear recurrences with local attention", gates: 2,
        parameters: { x, h in h * (2 * x + 3) + (x == h ? 0 : h * x) }
      ) { Recurrent(RGLRU(inputSize: $0, hiddenSize: $1, initialization: $2, using: &$3)) }
    case .lru:
      Entry(
        paper: "Orvieto et al. 2023, Resurrecting recurrent neural networks for long sequences", gates: 1,
        parameters: { x, h in h * (3 * x + 2 * h + 3) }
      ) { x, h, _, random in Recurrent(LRU(inputSize: x, hiddenSize: h, using: &random)) }
    case .cfc:
      Entry(
        paper: "Hasani et al. 2022, Closed-form continuous-time neural networks", gates: 5,
        parameters: { x, h in h * (h + x + 1) + 4 * h * (h + 1) }
      ) {
        Recurrent(CfC(inputSize: $0, hiddenSize: $1, interval: .constant(1), initialization: $2, using: &$3))
      }
    }
  }

  /// Where the cell comes from: authors, year, title.
  public var paper: String { entry.paper }

  /// Gates and candidates: values that a unit computes from trained layers at a time step.
  public var gates: Int { entry.gates }

  /// Number of learnt values of a layer, without making one; with layer normalisation
  /// (``Regularization/normalizesLayers``) those of its gains and shifts too.
  public func parameterCount(inputSize: Int, hiddenSize: Int, normalizesLayers: Bool = false) -> Int {
    let count = entry.parameters(inputSize, hiddenSize)
    guard normalizesLayers else { return count }
    // So many for each unit of the hidden state, and so many beside: two small layers tell.
    let (two, three) = (norms(inputSize, hiddenSize, 2), norms(inputSize, hiddenSize, 3))
    return count + two + (three - two) * (hiddenSize - 2)
  }

  /// Gains and shifts of a layer of `hidden` units; its input is as large if `inputSize` is `hiddenSize`.
  private func norms(_ inputSize: Int, _ hiddenSize: Int, _ hidden: Int) -> Int {
    var random = RandomSource(seed: 0)
    let input = inputSize == hiddenSize ? hidden : 1
    let layer = layer(
      inputSize: input, hiddenSize: hidden, initialization: CellInitialization(input: .zeros, recurrent: .zeros),
      regularization: Regularization(normalizesLayers: true), using: &random)
    return layer.parameterCount - entry.parameters(input, hidden)
  }

  /// Names of the state's parts.
  package var stateParts: [String] {
    var random = RandomSource(seed: 0)
    return layer(
      inputSize: 1, hiddenSize: 1, initialization: CellInitialization(input: .zeros, recurrent: .zeros), using: &random
    ).initialState(batch: 0).parts.map(\.name)
  }

  /// A layer of such cells.
  public func layer(
    inputSize: Int, hiddenSize: Int, initialization: CellInitialization = CellInitialization(),
    regularization: Regularization = .none, using random: inout RandomSource
  ) -> any SequenceLayer {
    let layer = entry.make(inputSize, hiddenSize, initialization, &random)
    guard regularization != .none, let recurrent = layer as? any RecurrentLayer else { return layer }
    return recurrent.withRegularization(regularization)
  }

  /// A cell by itself, to put into a layer of one's own choice: ``AttentiveRecurrent``.
  public func cell(
    inputSize: Int, hiddenSize: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) -> any RecurrentCell {
    guard let layer = entry.make(inputSize, hiddenSize, initialization, &random) as? any RecurrentLayer else {
      mistake("CellKind: \(rawValue) is no layer of one cell")
    }
    return layer.cell
  }

  /// A layer of two such cells, one for each direction, with `hiddenSize` values each.
  public func bidirectional(
    inputSize: Int, hiddenSize: Int, merging: Merging = .concatenate,
    initialization: CellInitialization = CellInitialization(), regularization: Regularization = .none,
    using random: inout RandomSource
  ) -> Bidirectional {
    func cell(_ random: inout RandomSource) -> any RecurrentCell {
      self.cell(inputSize: inputSize, hiddenSize: hiddenSize, initialization: initialization, using: &random)
    }
    return Bidirectional(
      forward: cell(&random), backward: cell(&random), merging: merging, regularization: regularization)
  }
}
