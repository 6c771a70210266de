using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// What a training step costs: one run of the gradient graph with all weights, over the forward pass and over the bytes of its activations. Promises: six times the time, four times the bytes.
/// </summary>
internal static class TrainingStep
{
    private const int Batch = 64;

    private static readonly Dictionary<string, long[]> SampleShapes = new()
    {
        ["aka_resnet20_cifar10.onnx"] = [3, 32, 32],
        ["mobilenet_v1_0.25_224.onnx"] = [3, 224, 224],
        ["digits.onnx"] = [1, 32, 24],
    };

    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = "A part of the names of the models to measure.", DefaultValueFactory = _ => "" };
        Option<int> rounds = new("--rounds") { Description = "Runs of each form, one after the other.", DefaultValueFactory = _ => 9 };
        Option<FileInfo?> memory = new("--memory") { Description = "Run one step of this model in this process, and print the MiB that it took." };
        Option<string?> profile = new("--profile") { Description = "Where ONNX Runtime writes what each operator of the step takes: the beginning of the file's path." };
        Command command = new("training-step", "Time and memory of a training step beside those of the forward pass.") { only, rounds, memory, profile };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(memory) is { } file)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{MeasureMemory(file.FullName)}"));
                return;
            }

            Console.WriteLine("| model | forward, ms | in training form, ms | step, ms | step over forward | over training form | activations, MiB | step, MiB | ratio |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
            foreach (string path in BenchmarkModels.Paths().Where(path => SampleShapes.ContainsKey(Path.GetFileName(path)) && path.Contains(parsed.GetRequiredValue(only), StringComparison.Ordinal)))
            {
                Console.WriteLine(Measure(path, parsed.GetValue(rounds), parsed.GetValue(profile)));
            }
        });
        return command;
    }

    private static string Measure(string path, int rounds, string? profile)
    {
        Forms forms = new(path);
        using ModelSession plain = ModelSession.Open(forms.Plain), training = ModelSession.Open(forms.Training), step = ModelSession.Open(forms.Step, new SessionSettings { ProfilePrefix = profile });
        (ModelSession Session, IReadOnlyList<Tensor> Inputs)[] measured = [(plain, forms.Samples), (training, [.. forms.Batch, .. forms.Weights]), (step, [.. forms.Batch, .. forms.Weights])];
        double[][] times = [.. Enumerable.Range(0, rounds + 1).Select(_ => measured.Select(form => Milliseconds(form.Session, form.Inputs)).ToArray()).Skip(1)];
        if (profile is not null)
        {
            Console.WriteLine(step.EndProfiling());
        }

        double Median(Func<double[], double> of) => times.Select(of).Order().ElementAt(times.Length / 2);
        double activations = forms.ActivationBytes / (1024.0 * 1024), memory = MemoryOfChild(path);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {Path.GetFileName(path)} | {Median(t => t[0]):f0} | {Median(t => t[1]):f0} | {Median(t => t[2]):f0} | {Median(t => t[2] / t[0]):f1} | {Median(t => t[2] / t[1]):f1} | {activations:f0} | {memory:f0} | {memory / activations:f2} |");
    }

    /// <summary>Processor time of one run on one thread, which other processes change less than time by the clock.</summary>
    private static double Milliseconds(ModelSession session, IReadOnlyList<Tensor> inputs)
    {
        using Process self = Process.GetCurrentProcess();
        TimeSpan start = self.TotalProcessorTime;
        using SessionRun run = session.RunBorrowed(inputs);
        self.Refresh();
        return (self.TotalProcessorTime - start).TotalMilliseconds;
    }

    private static double MemoryOfChild(string path)
    {
        using Process child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["training-step", "--memory", path]) { RedirectStandardOutput = true })!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return child.ExitCode == 0 ? double.Parse(output, CultureInfo.InvariantCulture) : throw new InvalidOperationException($"The measured process failed with exit code {child.ExitCode}.");
    }

    /// <summary>MiB by which private memory rises while the step is loaded and runs three times.</summary>
    private static double MeasureMemory(string path)
    {
        Forms forms = new(path);
        byte[] model = forms.Step.ToBytes();
        Tensor[] inputs = [.. forms.Batch, .. forms.Weights];
        GC.Collect();
        long before = PrivateMemory.PeakDuring(() => { });
        long peak = PrivateMemory.PeakDuring(() =>
        {
            using ModelSession session = ModelSession.Open(model);
            for (int i = 0; i < 3; i++)
            {
                using SessionRun run = session.RunBorrowed(inputs);
            }
        });
        return (peak - before) / (1024.0 * 1024);
    }

    /// <summary>A model as it is run for its scores, with the statistics of the batch and weights as inputs, and with their gradients.</summary>
    private sealed class Forms
    {
        internal Forms(string path)
        {
            Plain = Model.Load(path);
            TrainableWeights.Hoist(Plain);
            TrainingProblem problem = TrainingProblem.OfClassifier(Plain, TrainingStep.Batch, SampleShapes[Path.GetFileName(path)]);
            Random random = new(1);
            float[] pixels = [.. Enumerable.Range(0, (int)problem.Example[0].Length).Select(_ => random.NextSingle())];
            Samples = [Tensor.Create([.. problem.Example[0].Dimensions], pixels)];
            Batch = [.. Samples, Tensor.Vector([.. Enumerable.Range(0, TrainingStep.Batch).Select(i => (long)(i % 10))])];
            Model model = problem.Model.Clone();
            Value loss = model.Graph.Find(problem.Loss)!;
            model.Graph.AddOutput(loss);
            ActivationBytes = ShapeProbe.Run(model, loss, Batch).Where(entry => entry.Key.Producer is not null).Sum(entry => 4 * entry.Value.Aggregate(1L, (product, size) => product * size));
            GradientModel gradients = GradientBuilder.Build(model, problem.Loss, [.. problem.Parameters.Select(parameter => parameter.Name)], Batch);
            Weights = [.. gradients.Parameters.Select(name => Plain.Graph.Find(name)!.Initializer!)];
            Step = gradients.Model;
            Training = gradients.Model.Clone();
            foreach (Value gradient in Training.Graph.Outputs.Skip(model.Graph.Outputs.Count).ToArray())
            {
                Training.Graph.RemoveOutput(gradient);
            }

            Training.Graph.RemoveUnused();
        }

        internal Model Plain { get; }

        internal Model Training { get; }

        internal Model Step { get; }

        internal Tensor[] Samples { get; }

        internal Tensor[] Batch { get; }

        internal Tensor[] Weights { get; }

        internal long ActivationBytes { get; }
    }
}
