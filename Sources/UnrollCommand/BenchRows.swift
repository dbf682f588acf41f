import Unroll

/// One thing to measure: a cell, its sizes, and what is done with it. A line of JSON, the same for ours and for peers.
struct RecurrentRow: Codable, Hashable {
  enum Cell: String, Codable, CaseIterable {
    case elman, gru
    case gruResetAfter = "gru-reset-after"
    case lstm
    /// The cell that no library has.
    case tide
    /// Two dense layers, of twice the state's values and of the state's, as a cell.
    case dense
    /// An LSTM with noise or normalisation inside.
    case lstmZoneout = "lstm-zoneout"
    case lstmRecurrentDropout = "lstm-recurrent-dropout"
    case lstmStateDropout = "lstm-state-dropout"
    case lstmDropConnect = "lstm-drop-connect"
    case lstmLayerNorm = "lstm-layer-norm"
    /// Tides in three layers, with attention, zoneout, layer normalisation, two directions.
    case invented
    /// Cells whose state is in no product.
    case minGRU = "mingru"
    case minLSTM = "minlstm"
    case sru

    /// Products in a step, each of `hidden` rows.
    var gates: Int {
      switch self {
      case .elman: 1
      case .minGRU: 2
      case .gru, .gruResetAfter, .tide, .invented, .dense, .minLSTM, .sru: 3
      case .lstm, .lstmZoneout, .lstmRecurrentDropout, .lstmStateDropout, .lstmDropConnect, .lstmLayerNorm: 4
      }
    }

    /// Whether the products are with [h, x], and not with x alone.
    var multipliesState: Bool {
      switch self {
      case .minGRU, .minLSTM, .sru: false
      default: true
      }
    }
  }
  /// What is inside the steps beside the cell's equations.
  var regularization: Regularization {
    switch cell {
    case .lstmZoneout: Regularization(zoneout: 0.1)
    case .lstmRecurrentDropout: Regularization(recurrentDropout: 0.25)
    case .lstmStateDropout: Regularization(stateDropout: 0.25)
    case .lstmDropConnect: Regularization(dropConnect: 0.5)
    case .lstmLayerNorm: Regularization(normalizesLayers: true)
    default: .none
    }
  }
  enum Kind: String, Codable, CaseIterable {
    /// Forward, and backward of the sum of all outputs, down to the input and all parameters.
    case train
    /// Forward alone, nothing kept for a backward pass.
    case forward
    /// One time step with carried state.
    case step
    /// `train` with lengths that are spread evenly over 1…time.
    case ragged
  }

  let cell: Cell
  let kind: Kind
  /// Time steps, sequences, values of the state, layers.
  let time, batch, hidden, layers: Int
  /// Values of the input; nil: as many as of the state.
  var inputs: Int?
  /// What matrices are rounded to; nil: nothing. For inference.
  let precision: Precision?
  /// nil: as many as the program uses.
  var threads: Int?

  init(
    _ cell: Cell, _ kind: Kind, time: Int, batch: Int, hidden: Int, layers: Int = 1, precision: Precision? = nil
  ) {
    self.cell = cell
    self.kind = kind
    self.time = time
    self.batch = batch
    self.hidden = hidden
    self.layers = layers
    self.precision = precision
  }

  /// What is measured when nothing is chosen.
  static let all: [RecurrentRow] = {
    let cells = [Cell.elman, .gru, .gruResetAfter, .lstm, .tide]
    let sequences: [RecurrentRow] = cells.flatMap { cell in
      [(100, 32, 128, 1), (100, 64, 256, 1), (35, 20, 200, 2), (50, 64, 512, 1), (100, 1, 128, 1), (100, 1, 256, 1)]
        .map { RecurrentRow(cell, .train, time: $0, batch: $1, hidden: $2, layers: $3) }
        + [(100, 32, 128), (100, 64, 256), (50, 64, 512), (100, 1, 256), (100, 1, 512)]
        .map { RecurrentRow(cell, .forward, time: $0, batch: $1, hidden: $2) }
    }
    let steps = cells.flatMap { cell in
      [128, 256].map { RecurrentRow(cell, .step, time: 1, batch: 1, hidden: $0) }
    }
    let regularized = [
      Cell.lstmZoneout, .lstmRecurrentDropout, .lstmStateDropout, .lstmDropConnect, .lstmLayerNorm,
    ].map { RecurrentRow($0, .train, time: 100, batch: 64, hidden: 256) }
    // The same depth without anything special is what the invented network is held against.
    let invented = [Cell.invented, .lstm].map {
      RecurrentRow($0, .train, time: 50, batch: 64, hidden: 256, layers: InventedNetwork.layers)
    }
    let ragged = [(100, 32, 128), (100, 64, 256)].map {
      RecurrentRow(.lstm, .ragged, time: $0, batch: $1, hidden: $2)
    }
    // Long sequences, few of them; the LSTM is what the others are held against.
    let long = [Cell.lstm, .minGRU, .minLSTM, .sru].flatMap { cell in
      [8, 1].map { RecurrentRow(cell, .train, time: 1000, batch: $0, hidden: 256) }
    }
    let scans =
      long
      + long.filter { $0.batch == 8 && $0.cell != .sru }.map { row in
        var narrow = row
        narrow.inputs = 32
        return narrow
      }
    let reduced: [RecurrentRow] = [Cell.lstm, .gru, .elman].flatMap { cell in
      [Precision.bfloat16, .int8].flatMap { precision in
        [(Kind.forward, 100, 1), (.forward, 100, 32), (.step, 1, 1)].flatMap { kind, time, batch in
          [256, 512].map {
            RecurrentRow(cell, kind, time: time, batch: batch, hidden: $0, precision: precision)
          }
        }
      }
    }
    return sequences.filter { $0.kind == .train } + regularized + invented + scans + ragged
      + sequences.filter { $0.kind == .forward } + steps + reduced
  }()

  /// What the row does: `train`, `forward bf16`.
  var work: String {
    switch precision {
    case nil, .float32: kind.rawValue
    case .bfloat16: kind.rawValue + " bf16"
    case .int8: kind.rawValue + " int8"
    }
  }

  /// `T35 B20 H200 L2`, `T1000 B8 H256 I32`.
  var shape: String {
    "T\(time) B\(batch) H\(hidden)" + (inputs.map { " I\($0)" } ?? "") + (layers > 1 ? " L\(layers)" : "")
  }

  /// Values that layer `number`, from 1, reads at a time step.
  func inputSize(ofLayer number: Int) -> Int { number == 1 ? inputs ?? hidden : hidden }

  /// `lstm train T35 B20 H200 L2`; the words that `--filter` knows.
  var label: String { "\(cell.rawValue) \(work) \(shape)" }

  /// The row that a reduced one is held against; nil for one that is not reduced.
  var inFloat32: RecurrentRow? {
    guard let precision, precision != .float32 else { return nil }
    var row = RecurrentRow(cell, kind, time: time, batch: batch, hidden: hidden, layers: layers)
    (row.threads, row.inputs) = (threads, inputs)
    return row
  }

  /// Whether every word of `text` is one of the label's.
  func matches(_ text: String) -> Bool { Self.words(of: text).isSubset(of: Self.words(of: label)) }

  /// Words in any order and case.
  static func words(of text: String) -> Set<Substring> { Set(text.lowercased().split(separator: " ")) }

  /// Lengths of the sequences, [batch].
  var lengths: [Int] {
    (0..<batch).map { kind == .ragged ? 1 + Int(BenchNoise.bits($0, salt: BenchNoise.lengths)) % time : time }
  }

  /// Useful operations: those of the products, multiply and add counted as two; a backward pass is two forward ones.
  var operations: Double {
    let rows = lengths.reduce(0.0) { $0 + Double($1) }
    let products = (1...layers).reduce(0) { sum, layer in
      let inputs = inputSize(ofLayer: layer)
      // The SRU shows its input itself, or a product with it where it has another size.
      let gates = cell.gates + (cell == .sru && inputs != hidden ? 1 : 0)
      return sum + gates * (inputs + (cell.multipliesState ? hidden : 0))
    }
    let own = cell == .invented ? InventedNetwork.multiplyAdds(hidden: hidden) : hidden * products
    let forward = 2 * rows * Double(own)
    return kind == .train || kind == .ragged ? 3 * forward : forward
  }

  /// Throws for sizes that cannot be, or that no machine has memory for.
  func check() throws(UnrollError) {
    let limits = [
      ("time", time, 1 << 20), ("batch", batch, 1 << 16), ("hidden", hidden, 1 << 14), ("layers", layers, 64),
      ("threads", threads ?? 1, 1024), ("inputs", inputs ?? 1, 1 << 14),
    ]
    for (name, value, limit) in limits where value < 1 || value > limit {
      throw UnrollError(.usage, "\(name) is \(value), and must be in 1…\(limit)", hint: "choose one in that range")
    }
    if kind == .step && (time, batch) != (1, 1) {
      throw UnrollError(
        .usage, "a step has time 1 and batch 1, not \(time) and \(batch)", hint: "for others there is forward")
    }
    if cell == .invented && (layers != InventedNetwork.layers || kind == .step || inputs != nil) {
      throw UnrollError(
        .usage,
        "an invented network has \(InventedNetwork.layers) layers, no step alone and inputs as wide as its state",
        hint: "unroll bench recurrent --list prints one")
    }
    if inFloat32 != nil && kind != .forward && kind != .step {
      throw UnrollError(.usage, "\(kind.rawValue) needs float32", hint: "a precision is for forward and step")
    }
    if max(time * batch, hidden + max(hidden, inputs ?? 1)) * max(hidden, inputs ?? 1) * layers * cell.gates > 1 << 30 {
      throw UnrollError(
        .usage, "\(label) is too large to be measured", hint: "make time, batch, hidden or layers smaller")
    }
  }
}

/// Numbers that look random and are the same in every program: a hash of the index. Benchmarks/recurrent/formula.py
/// computes the same.
enum BenchNoise {
  static let input = 1
  static let lengths = 2
  static let projection = 3
  /// Parameters: this times the layer's number (from 1) plus the parameter's place in it.
  static let layer = 100

  /// 32 bits, well mixed.
  static func bits(_ index: Int, salt: Int) -> UInt32 {
    var x = UInt32(truncatingIfNeeded: index) &+ UInt32(truncatingIfNeeded: salt) &* 0x9E37_79B9
    x = (x ^ (x >> 16)) &* 0x7FEB_352D
    x = (x ^ (x >> 15)) &* 0x846C_A68B
    return x ^ (x >> 16)
  }

  /// In -1..<1, a multiple of 2⁻²³.
  static func value(_ index: Int, salt: Int) -> Float { Float(bits(index, salt: salt) >> 8) * 0x1p-23 - 1 }

  /// A tensor of such values times `scale`.
  static func tensor(_ shape: Shape, salt: Int, scale: Float = 1) -> Tensor {
    Tensor(shape: shape, values: (0..<shape.count).map { scale * value($0, salt: salt) })
  }

  /// What two programs compare of a tensor: its sum, sum of squares, and sum of products with noise, which sees order.
  static func checksum(_ values: [Float]) -> [Double] {
    var (sum, squares, projection) = (0.0, 0.0, 0.0)
    for (index, value) in values.enumerated() {
      let x = Double(value)
      sum += x
      squares += x * x
      projection += x * Double(Self.value(index, salt: Self.projection))
    }
    return [sum, squares, projection]
  }
}
