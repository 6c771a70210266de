using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Subgraphs;

/// <summary>
/// What a branch or loop body reads on the samples of the model around it, computed anew at each reading: memory does not grow with their number. Samples that do
/// not come to it give nothing; a loop gives one for each of its first rounds.
/// </summary>
internal sealed class HoistedSamples : Dataset
{
    /// <summary>Rounds of a loop that are looked at: what it carries has settled by then, and a sample shall not weigh a thousand times what another does.</summary>
    private const int MostRounds = 32;

    private readonly Dataset outer;
    private readonly Func<Sample, IEnumerable<Sample>> runs;

    private HoistedSamples(Dataset outer, Func<Sample, IEnumerable<Sample>> runs, CancellationToken cancellation)
    {
        this.outer = outer;
        this.runs = runs;
        foreach (Sample sample in outer.Read())
        {
            cancellation.ThrowIfCancellationRequested();
            Count += runs(sample).Count();
        }
    }

    public override string Path => outer.Path;

    public override int Count { get; }

    public override bool HasLabels => false;

    public override IEnumerable<Sample> Read() => outer.Read().SelectMany(runs);

    /// <param name="graph">The branch or body.</param>
    /// <param name="captured">What it reads from around it.</param>
    /// <param name="outer">The samples of the model around it.</param>
    /// <param name="values">What that model's values are on a sample.</param>
    /// <param name="body">The body of a Loop, to go from round to round.</param>
    internal static HoistedSamples Of(
        Graph graph, Value[] captured, Dataset outer, Func<Sample, IReadOnlyDictionary<Value, Tensor>> values, ModelSession? body, CancellationToken cancellation)
    {
        Node owner = graph.Owner!;
        return new HoistedSamples(outer, body is null ? OfBranch : sample => Rounds(owner, captured, values(sample), body), cancellation);

        IEnumerable<Sample> OfBranch(Sample sample)
        {
            IReadOnlyDictionary<Value, Tensor> known = values(sample);
            bool takesFirst = IsTrue(known[owner.Inputs[0]!]);
            return takesFirst == (owner.GetGraph("then_branch") == graph) ? [new Sample([.. captured.Select(value => known[value])], null)] : [];
        }
    }

    private static IEnumerable<Sample> Rounds(Node loop, Value[] captured, IReadOnlyDictionary<Value, Tensor> known, ModelSession body)
    {
        long rounds = loop.Input(0) is { } count ? Math.Min(MostRounds, known[count].Span<long>()[0]) : MostRounds;
        Tensor goesOn = loop.Input(1) is { } condition ? known[condition] : Tensor.Scalar(true);
        Tensor[] states = [.. loop.Inputs.Skip(2).Select(value => known[value!])];
        for (long round = 0; round < rounds && IsTrue(goesOn); round++)
        {
            Tensor[] inputs = [.. captured.Select(value => known[value]), Tensor.Scalar(round), goesOn, .. states];
            yield return new Sample(inputs, null);
            IReadOnlyList<Tensor> results = body.Run(inputs);
            goesOn = results[0];
            states = [.. results.Skip(1).Take(states.Length)];
        }
    }

    private static bool IsTrue(Tensor condition) => condition.Data.Span[0] != 0;
}
