using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Worker.Reporting.Files;

namespace ModelBuildTasks.Worker.Tests.Infra;

/// <summary>Results as builds leave them, without the builds.</summary>
internal static class SampleResults
{
    /// <summary>What a name may hold that means something to HTML, XML, Markdown or JSON, a control character and half of a surrogate pair included.</summary>
    internal const string HostileName = "<img src=x onerror=\"alert(1)\">&amp;|`*_[a](b)\u0001\ud800";

    internal static ReportedModel Quantized(string name = "digits", string target = TargetNames.Cpu)
    {
        OptimizationResult result = new()
        {
            Succeeded = true,
            Model = $"/models/{name}.onnx",
            Target = target,
            ArtifactPath = $"/obj/{name}.onnx",
            Original = new ModelFigures { Bytes = 1000, CompressedBytes = 900, Multiplications = 2_000_000, Accuracy = 0.99, LatencyMilliseconds = 2 },
            Optimized = new ModelFigures { Bytes = 300, CompressedBytes = 250, Multiplications = 1_000_000, Accuracy = 0.985, LatencyMilliseconds = 1 },
            AccuracyDrop = new AccuracyDrop { Value = 0.005, Low = -0.001, High = 0.011, Samples = 500, Metric = Metric.Top1 },
            AccuracyDetails = Answers(name),
            LatencyRatio = new LatencyRatio { Measured = true, Value = 0.5, Low = 0.45, High = 0.55, Pairs = 200 },
            Profile = new OperatorProfile
            {
                Original = [new OperatorTime { Name = $"Conv '{name}'", OpType = "Conv", Milliseconds = 1.2, Share = 0.6 }],
                Optimized = [new OperatorTime { Name = $"QLinearConv '{name}'", OpType = "QLinearConv", Milliseconds = 0.5, Share = 0.5 }],
            },
            Quantization = new QuantizationDecisions { SignalToNoise = 40 },
        };
        result.Recipe.Add(new RecipeStep { Name = "simplification", Applied = true, Explanation = "28 → 20 nodes." });
        result.Recipe.Add(new RecipeStep { Name = "SmoothQuant", Explanation = "Nothing to smooth." });
        result.Quantization.Outputs.Add(new QuantizedOutput { Name = "scores", SignalToNoise = 40 });
        result.Quantization.Layers.Add(new QuantizedLayer { Name = "Conv 'stem'", SignalToNoise = double.PositiveInfinity, Reason = "integers would make it slower" });
        result.Quantization.Layers.Add(new QuantizedLayer { Name = $"Conv '{name}'", IsInteger = true, WeightBits = 8, SignalToNoise = 35, Sensitivity = 1.5, Weights = new NumberDistribution { Lowest = -0.5, Width = 0.25, Counts = [2, 40, 60, 3], NarrowestChannel = 0.2, WidestChannel = 0.5 } });
        result.Quantization.Tensors.Add(new QuantizedTensor { Name = "relu_output", Lowest = -1, Highest = 6, Scale = 0.0275, ZeroPoint = 36, Method = "MinMax", SignalToNoise = 42, Distribution = new NumberDistribution { Lowest = -1, Width = 1, Counts = [3, 700, 50, 20, 8, 4, 2, 1] } });
        return new ReportedModel(name, result);
    }

    /// <summary>Three classes, of which the last is answered by none, and one answer that is no class.</summary>
    internal static AccuracyDetails Answers(string name)
    {
        AccuracyDetails details = new() { SmallestResolvableDrop = 0.006, Agreement = 0.99, Lost = 4, Won = 1, PValue = 0.375, ClassCount = 3, IsWhole = true };
        details.Classes.Add(new ClassResult { Class = 0, Name = "cat", Samples = 250, RightOriginal = 248, RightOptimized = 244, AnsweredOriginal = 250, AnsweredOptimized = 246 });
        details.Classes.Add(new ClassResult { Class = 1, Name = name, Samples = 249, RightOriginal = 247, RightOptimized = 248, AnsweredOriginal = 249, AnsweredOptimized = 252 });
        details.Classes.Add(new ClassResult { Class = 2, Samples = 1 });
        foreach ((int label, int answer, int original, int optimized) in ((int, int, int, int)[])[
            (0, 0, 248, 244), (0, 1, 2, 5), (0, ConfusionCount.NoClass, 0, 1), (1, 0, 2, 1), (1, 1, 247, 248), (2, 0, 0, 1), (2, 1, 1, 0)])
        {
            details.Confusion.Add(new ConfusionCount { Label = label, Answer = answer, Original = original, Optimized = optimized });
        }

        details.Slices.Add(new SliceResult { Slice = name, Samples = 40, Drop = 0.05, Low = -0.01, High = 0.12 });
        return details;
    }

    /// <summary>The model with a search behind it: two forms on the front, of which the second ships, one that another is as good as, and two that were refused.</summary>
    internal static ReportedModel Searched(string name = "digits")
    {
        ReportedModel model = Quantized(name);
        model.Result.Search = new SearchAccount
        {
            Seconds = 41.4,
            Decision = "It is the fastest of the forms that keep the accuracy.",
            Trials =
            [
                new SearchTrial { Name = "simplification alone", Reason = "nothing is lost by it", Bytes = 980, Accuracy = 0.99, Drop = 0, LatencyRatio = 0.95, LatencyLow = 0.93, LatencyHigh = 0.97, IsOnFront = true },
                new SearchTrial { Name = "dynamic int8", Reason = "it needs no samples", Bytes = 320, Accuracy = 0.984, Drop = 0.006, LatencyRatio = 0.8, LatencyLow = 0.78, LatencyHigh = 0.82, Seconds = 2 },
                new SearchTrial { Name = "structured pruning 50 % + static int8", Reason = "half of the channels carry little", Refusal = "Top1 drops by 0.0412 on 500 samples, more than 0.01", Bytes = 150, Accuracy = 0.9488, Drop = 0.0412, LatencyRatio = 0.3, LatencyLow = 0.28, LatencyHigh = 0.32, Seconds = 9.5 },
                new SearchTrial { Name = "structured pruning 25 % + static int8", Reason = "half lost too much", Bytes = 300, Accuracy = 0.985, Drop = 0.005, LatencyRatio = 0.5, LatencyLow = 0.45, LatencyHigh = 0.55, PeakMemoryBytes = 4096, Seconds = 11, IsOnFront = true, IsChosen = true },
                new SearchTrial { Name = "weight-only int4", Reason = "it is small", Refusal = $"output '{name}' has infinite or undefined values", Bytes = 200, Seconds = 1 },
            ],
        };
        return model;
    }

    internal static ReportedModel With(this ReportedModel model, params JudgedBudget[] budgets)
    {
        foreach (JudgedBudget budget in budgets)
        {
            model.Result.Budgets.Add(budget);
        }

        return model;
    }

    internal static ReportedModel With(this ReportedModel model, Diagnostic diagnostic)
    {
        model.Result.Diagnostics.Add(diagnostic);
        return model;
    }

    internal static JudgedBudget Budget(Verdict verdict, string name = "MaxSizeRatio") =>
        new() { Name = name, Allowed = 0.3, Value = verdict == Verdict.NotMeasured ? null : 0.31, Low = 0.29, High = 0.33, Verdict = verdict, Sentence = $"{name} is {verdict}." };

    internal static ReportedModel Failed(string name = "broken")
    {
        OptimizationResult result = new() { Model = $"/models/{name}.onnx", Target = TargetNames.Cpu };
        return new ReportedModel(name, result).With(Diagnostic.Create(DiagnosticCatalogue.NotOnnx, result.Model, "it is empty"));
    }
}
