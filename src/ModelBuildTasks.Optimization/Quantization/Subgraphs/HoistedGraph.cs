using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization.Subgraphs;

/// <summary>
/// A branch of an If, or the body of a Loop, as a model of its own: what it reads from around it is an input, fed with what the graph around gives on each
/// sample. ONNX Runtime does not give out values inside a branch; of this model it gives out any. All values keep their names, so that what
/// is decided here holds for the branch.
/// </summary>
internal sealed class HoistedGraph : IDisposable
{
    private readonly ModelSession? around;
    private readonly ModelSession? body;

    private HoistedGraph(Model model, ModelSession? around, ModelSession? body, Dataset samples)
    {
        Model = model;
        this.around = around;
        this.body = body;
        Samples = samples;
    }

    internal Model Model { get; }

    /// <summary>What the graph reads on those samples that come to it; a Loop's body has one for each round.</summary>
    internal Dataset Samples { get; }

    /// <summary>Takes <paramref name="graph"/>, which is nested directly in the main graph of <paramref name="model"/>, out of a copy of it.</summary>
    /// <param name="samples">Of the model.</param>
    /// <exception cref="InferenceException">The model cannot be run on the samples.</exception>
    internal static HoistedGraph Of(Model model, Graph graph, Dataset samples, CancellationToken cancellation)
    {
        Node owner = graph.Owner!;
        Value[] captured = [.. Captured(graph)];
        // What decides whether and how often the graph runs, and what a loop begins with.
        Value[] read = [.. captured.Concat(owner.Inputs.OfType<Value>()).Distinct()];
        Value[] computed = [.. read.Where(value => StoredIn(value) is null && value.Producer is not null)];
        Model copy = model.Clone();
        Dictionary<Value, int> fed = model.Graph.Inputs.Where(input => input.Initializer is null).Select((input, index) => (input, index)).ToDictionary();
        ModelSession? around = computed.Length > 0 ? ObservedModel.Open(model, computed) : null;
        Func<Sample, IReadOnlyDictionary<Value, Tensor>> values = sample =>
        {
            Dictionary<Value, Tensor> known = read.Where(value => StoredIn(value) is not null).ToDictionary(value => value, value => StoredIn(value)!);
            IReadOnlyList<Tensor> found = around?.Run(sample.Inputs) ?? [];
            foreach ((Value value, int index) in computed.Select((value, index) => (value, index)))
            {
                known[value] = found[index];
            }

            foreach (Value value in read.Where(fed.ContainsKey))
            {
                known[value] = sample.Inputs[fed[value]];
            }

            return known;
        };
        ModelSession? body = null;
        try
        {
            IReadOnlyDictionary<Value, Tensor> first = values(samples.Read().First());
            TakeOut(copy, InCopy(copy, graph), [.. captured.Select(value => (value.Name, first[value].ElementType))], StateTypes(graph, first));
            body = owner.OpType == "Loop" ? ModelSession.Open(copy) : null;
            return new HoistedGraph(copy, around, body, HoistedSamples.Of(graph, captured, samples, values, body, cancellation));
        }
        catch
        {
            around?.Dispose();
            body?.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        around?.Dispose();
        body?.Dispose();
    }

    /// <summary>The graph of that name's owner and place in another copy of the same model.</summary>
    internal static Graph InCopy(Model copy, Graph graph)
    {
        Node owner = copy.Graph.WithSubgraphs().Select(scope => scope.Find(graph.Owner!.Output.Name)?.Producer).First(node => node is not null)!;
        return owner.GetGraph(AttributeOf(graph))!;
    }

    /// <summary>Gives each value of nested graphs a name that no other has: branches of one If may use the same.</summary>
    internal static void MakeNamesUnique(Model model)
    {
        HashSet<string> names = [];
        foreach (Graph graph in model.Graph.WithSubgraphs())
        {
            foreach (Value value in graph.Values.Where(value => !names.Add(value.Name)).ToArray())
            {
                value.Name = graph.UniqueName(value.Name);
                names.Add(value.Name);
            }
        }
    }

    /// <summary>What a value is unless it is computed or fed.</summary>
    private static Tensor? StoredIn(Value value) => value.Constant ?? value.Initializer;

    private static string AttributeOf(Graph graph) => graph.Owner!.AttributeNames.First(name => graph.Owner.GetGraph(name) == graph);

    /// <summary>What the graph and those in it read from around it and is not constant.</summary>
    private static IEnumerable<Value> Captured(Graph graph) => graph.WithSubgraphs()
        .SelectMany(inner => inner.Nodes.SelectMany(node => node.Inputs.OfType<Value>()).Concat(inner.Outputs))
        .Where(value => value.Graph == graph.Parent && value.Constant is null)
        .Distinct();

    /// <summary>Of a Loop's body: round, condition, and what is carried from round to round.</summary>
    private static ElementType[] StateTypes(Graph graph, IReadOnlyDictionary<Value, Tensor> first) => graph.Inputs.Count == 0 ? [] :
        [ElementType.Int64, ElementType.Bool, .. graph.Owner!.Inputs.Skip(2).Select(value => first[value!].ElementType)];

    private static void TakeOut(Model model, Graph inner, (string Name, ElementType Type)[] captured, ElementType[] states)
    {
        Graph main = model.Graph;
        foreach (Value output in main.Outputs.ToArray())
        {
            main.RemoveOutput(output);
        }

        // What a graph hands on unchanged or twice gets an operator of its own, as it will be an output by itself.
        HashSet<Value> seen = [];
        Value[] results = [.. inner.Outputs.Select(output => output.Producer is null || output.Graph != inner || !seen.Add(output) ? inner.Add("Identity", output) : output)];
        foreach (Value output in inner.Outputs.ToArray())
        {
            inner.RemoveOutput(output);
        }

        Array.ForEach(results, inner.AddOutput);
        foreach ((string name, ElementType type) in captured)
        {
            Value outer = main.Find(name)!;
            outer.Name = main.UniqueName(name);
            outer.ReplaceWith(main.AddInput(name, new TensorType(type, (IReadOnlyList<Dimension>?)null)));
        }

        foreach ((Value state, ElementType type) in inner.Inputs.Zip(states).ToArray())
        {
            string name = state.Name;
            state.Name = main.UniqueName(name);
            state.ReplaceWith(main.AddInput(name, new TensorType(type, (IReadOnlyList<Dimension>?)null)));
            inner.RemoveInput(state);
        }

        foreach (Value result in main.Inline(inner))
        {
            main.AddOutput(result);
        }

        HashSet<string> kept = [.. captured.Select(value => value.Name), .. main.Inputs.TakeLast(states.Length).Select(value => value.Name)];
        main.RemoveUnused();
        foreach (Value input in main.Inputs.Where(input => !kept.Contains(input.Name)).ToArray())
        {
            main.RemoveInput(input);
        }
    }
}
