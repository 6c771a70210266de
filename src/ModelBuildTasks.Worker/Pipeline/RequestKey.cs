using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// The cache key of a request. Budgets are not part of it: they judge an artifact and do not make it. The exception is the
/// accuracy drop that recipes are chosen by.
/// </summary>
internal static class RequestKey
{
    internal static string Of(OptimizationRequest request, SourceModel source, Dataset? calibration, Dataset? evaluation)
    {
        CacheKey key = new();
        foreach (Type part in new[] { typeof(Model), typeof(ModelSession), typeof(IModelPass), typeof(Evaluation.Budgets.BudgetJudge), typeof(RequestKey) })
        {
            key.Add("assembly", part.Module.ModuleVersionId);
        }

        key.Add("runtime", typeof(Microsoft.ML.OnnxRuntime.InferenceSession).Assembly.GetName().Version)
            .Add("processor", ProcessorName.Current)
            .Add("target", request.Target)
            .Add(request.Settings)
            .Add("allowed-drop", request.Budgets.MaxAccuracyDrop)
            .Add("measurement", request.Measurement)
            .AddContents("model", source.Path);
        foreach (string file in source.Model.ExternalDataFiles)
        {
            key.AddContents(Path.GetFileName(file), file);
        }

        Add(key, "calibration", calibration);
        Add(key, "evaluation", evaluation);
        return key.ToString();
    }

    private static void Add(CacheKey key, string name, Dataset? dataset)
    {
        key.Add(name, dataset?.Count);
        foreach (string file in dataset?.Files ?? [])
        {
            // Class folders give labels, so a file's place within the set matters; where the set lies does not.
            key.AddContents($"{name}/{Path.GetRelativePath(dataset!.Path, file).Replace('\\', '/')}", file);
        }
    }
}
