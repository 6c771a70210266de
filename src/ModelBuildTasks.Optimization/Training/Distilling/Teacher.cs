using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Distilling;

/// <summary>The model that teaches: it answers with values that a student is to be like. It need not be differentiable.</summary>
internal sealed class Teacher : IDisposable
{
    private readonly ModelSession session;

    /// <param name="model">The model; it is not changed.</param>
    /// <param name="values">Names of the values to answer with, each of float.</param>
    /// <param name="threads">Threads inside one operator.</param>
    /// <exception cref="InferenceException">ONNX Runtime does not load it.</exception>
    internal Teacher(Model model, IReadOnlyList<string> values, int threads = 1)
    {
        Model teaching = model.Clone();
        Graph graph = teaching.Graph;
        Value[] answers = [.. values.Select(name => graph.Find(name)!)];
        foreach (Value output in graph.Outputs.ToArray())
        {
            graph.RemoveOutput(output);
        }

        foreach (Value answer in answers)
        {
            graph.AddOutput(answer);
        }

        graph.RemoveUnused();
        session = ModelSession.Open(teaching, new SessionSettings(threads));
    }

    /// <summary>The values for a batch, in the order in which they were asked for.</summary>
    internal IReadOnlyList<Tensor> Answer(IReadOnlyList<Tensor> inputs) => session.Run(inputs);

    public void Dispose() => session.Dispose();
}
