import ArgumentParser
import Unroll

/// `unroll train describe`.
struct TrainDescribeCommand: ExampleCommand {
  typealias Model = Describer

  static let configuration = CommandConfiguration(
    commandName: "describe", abstract: "Train a model that says in words what is in a picture.",
    discussion: """
      --data is PICTURES,LIST: a list of pictures' names, line by line, a caption behind a tab or not. Pictures are a \
      folder of PNG files of one size, pixels in IDX form (.gz too), or an array .npy: features [pictures, values], \
      [pictures, places, values] to look at places, or pixels [pictures, height, width, channels]. Line i is for \
      row i; in a folder the name says which. More captions come from --captions, lines of `name TAB caption`, `#0` \
      behind the name or not.

        unroll train describe --data train.npy,train.txt --captions captions.txt --out captions
        unroll train describe --data a.npy,a.tsv --validation b.npy,b.tsv --test c.npy,c.tsv --out captions
        unroll train describe --data pictures/,captions.tsv --shift 2 --out captions
        unroll predict captions --data new.npy
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @Option(help: "A file of captions by the names of pictures, for all of --data, --validation and --test.")
  var captions: String?
  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Training") var training: TrainingOptions
  @OptionGroup var common: CommonOptions

  struct NetworkOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Take words that occur less often for unknown. (default: 4)")
    var minimumCount: Int?
    @Option(help: "The recurrent cell; `unroll cells` shows them. (default: lstm)") var cell: CellKind?
    @Option(parsing: .unconditional, help: "Values of the hidden state. (default: 512)") var hidden: Int?
    @Option(parsing: .unconditional, help: "Values of a word's vector. (default: 256)") var embedding: Int?
    @Option(parsing: .unconditional, help: "Values that a picture's features become. (default: 512)")
    var features: Int?
    @Option(parsing: .unconditional, help: "Hidden units of the attention to places. (default: 256)")
    var attention: Int?
    @Option(help: "Of pixels: channels of each convolution, a pooling behind each. (default: 32,64,128)")
    var channels: String?
    @Option(parsing: .unconditional, help: "Of pixels: move pictures by so many at most while training. (default: 0)")
    var shift: Int?
    @Option(parsing: .unconditional, help: "Share of features dropped while training.") var featureDropout: Float?
    @Option(parsing: .unconditional, help: "Share of words' vectors dropped while training.") var dropout: Float?
    @Option(parsing: .unconditional, help: "Share dropped of what scores are read from.") var outputDropout: Float?
    @Option(parsing: .unconditional, help: "Share of a word's probability that is spread over all.")
    var labelSmoothing: Float?
    @Option(parsing: .unconditional, help: "Words of a caption at most. (default: 40)") var longest: Int?
  }

  var given: [(String, Bool)] {
    [
      ("--captions", captions != nil), ("--minimum-count", network.minimumCount != nil),
      ("--cell", network.cell != nil), ("--hidden", network.hidden != nil),
      ("--embedding", network.embedding != nil), ("--features", network.features != nil),
      ("--channels", network.channels != nil), ("--shift", network.shift != nil),
      ("--attention", network.attention != nil), ("--feature-dropout", network.featureDropout != nil),
      ("--dropout", network.dropout != nil), ("--output-dropout", network.outputDropout != nil),
      ("--label-smoothing", network.labelSmoothing != nil), ("--longest", network.longest != nil),
    ]
  }

  func configuration() -> ModelConfiguration<DescriberShape> {
    var shape = DescriberShape()
    func set<T>(_ path: WritableKeyPath<DescriberShape, T>, _ value: T?) {
      if let value { shape[keyPath: path] = value }
    }
    shape.captions = captions
    set(\.minimumCount, network.minimumCount)
    set(\.cell, network.cell)
    set(\.hidden, network.hidden)
    set(\.embedding, network.embedding)
    set(\.features, network.features)
    set(\.attention, network.attention)
    if let channels = network.channels {
      shape.channels = channels.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    }
    set(\.shift, network.shift)
    set(\.featureDropout, network.featureDropout)
    set(\.dropout, network.dropout)
    set(\.outputDropout, network.outputDropout)
    set(\.labelSmoothing, network.labelSmoothing)
    set(\.longest, network.longest)
    return Describer.configuration(shape)
  }
}
