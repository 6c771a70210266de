using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Measuring;

/// <summary>
/// The part of <see cref="PeakMemory"/> in a process of its own: how much its working set grows at most when a model is loaded and run. What .NET and ONNX Runtime
/// need for any model is there before, and does not count.
/// </summary>
internal static class MemoryRun
{
    /// <summary>ONNX Runtime plans its memory in the first run and takes it in the second.</summary>
    private const int Rounds = 3;

    /// <returns>Bytes.</returns>
    /// <exception cref="InferenceException">ONNX Runtime cannot load or run the model.</exception>
    internal static long Measure(string modelPath, IReadOnlyList<IReadOnlyList<Tensor>> samples, int threads)
    {
        SessionSettings settings = new(threads);
        RunSmallest(settings);
        GC.Collect();
        PeakWorkingSet.Reset();
        long before = PeakWorkingSet.Bytes();
        using ModelSession session = ModelSession.Open(modelPath, settings);
        for (int round = 0; round < Rounds; round++)
        {
            foreach (IReadOnlyList<Tensor> sample in samples)
            {
                session.RunBorrowed(sample).Dispose();
            }
        }

        return Math.Max(0, PeakWorkingSet.Bytes() - before);
    }

    private static void RunSmallest(SessionSettings settings)
    {
        Model smallest = Model.Create("smallest", opset: 17, irVersion: 8);
        smallest.Graph.AddOutput(smallest.Graph.Add("Exp", smallest.Graph.AddInput("x", new TensorType(ElementType.Float, 1))));
        using ModelSession session = ModelSession.Open(smallest, settings);
        session.RunBorrowed([Tensor.Vector(1f)]).Dispose();
    }
}
