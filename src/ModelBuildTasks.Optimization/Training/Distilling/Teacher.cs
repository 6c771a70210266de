using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Distilling;

/// <summary>The model that teaches: it answers with values that a student is to be like. It need not be differentiable.</summary>
internal sealed class Teacher : IDisposable
{
    private readonly ModelSession session;

    /// <param name="model">The model; it is not changed.</param>
    /// <param name="values">Names of the values to answer with, each of float.</param>
    /// <exception cref="InferenceException">ONNX Runtime does not load it.</exception>
    internal Teacher(Model model, IReadOnlyList<string> values) => session = ModelSession.Open(ObservedModel.Of(model, values));

    /// <summary>The values for a batch, in the order in which they were asked for.</summary>
    internal IReadOnlyList<Tensor> Answer(IReadOnlyList<Tensor> inputs) => session.Run(inputs);

    public void Dispose() => session.Dispose();
}
