using System.Buffers.Binary;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Onnx.Schema;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Peak memory of a process that loads, simplifies and saves a model of a given size. Promise: it does not follow the size.
/// Pages of mapped files are not counted, as the system takes them back when it needs them.
/// </summary>
internal static class SimplificationMemory
{
    private const long MiB = 1 << 20;

    /// <summary>Rows and columns of each layer's weight: 16 MiB of single precision.</summary>
    private const int Width = 2048;

    private const int LayerMiB = (int)(4L * Width * Width / MiB);

    internal static Command Command()
    {
        Option<int> size = new("--size") { Description = "MiB of weights.", DefaultValueFactory = _ => 2300 };
        Option<bool> inside = new("--inside") { Description = "Keep the weights in the model's own file (below 2 GB)." };
        Command command = new("simplification-memory", "Peak memory of simplification by size of the model.") { size, inside };
        command.SetAction(parsed => Measure(parsed.GetValue(size), parsed.GetValue(inside)));
        return command;
    }

    private static void Measure(int mebibytes, bool inside)
    {
        string folder = Directory.CreateTempSubdirectory("modelbuild-memory-").FullName;
        try
        {
            string path = Path.Combine(folder, "model.onnx");
            string outputPath = Path.Combine(folder, "simplified.onnx");
            WriteModel(path, mebibytes / LayerMiB, inside);
            long bytes = SizeOf(folder);
            Stopwatch clock = Stopwatch.StartNew();
            (int before, int after) = (0, 0);
            long peak = PrivateMemory.PeakDuring(() =>
            {
                Model model = Model.Load(path);
                before = model.Graph.Nodes.Count;
                new GraphSimplification().Apply(model, new PassContext(TargetProfiles.CpuX64));
                model.Save(outputPath, inside ? WeightPlacement.InsideWhenPossible : WeightPlacement.External);
                after = model.Graph.Nodes.Count;
            });
            double seconds = clock.Elapsed.TotalSeconds;
            Console.WriteLine("| model, MiB | simplified, MiB | nodes | seconds | peak of private memory, MiB |");
            Console.WriteLine("|---|---|---|---|---|");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {bytes / MiB} | {(SizeOf(folder) - bytes) / MiB} | {before} → {after} | {seconds:0.0} | {peak / MiB} |"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Layers of MatMul, Add and Relu with what exporters leave between them. No two weights are equal.</summary>
    private static void WriteModel(string path, int layers, bool inside)
    {
        ModelProto model = new() { IrVersion = 8, Graph = new GraphProto { Name = "layers" } };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        model.Graph.Input.Add(Info("x"));
        byte[] weights = RandomWeights();
        string external = path + ".data";
        using (FileStream data = File.Create(external))
        {
            string value = "x";
            for (int layer = 0; layer < layers; layer++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(weights, layer);
                model.Graph.Initializer.Add(External($"weight_{layer}", Path.GetFileName(external), data.Position, weights.Length));
                data.Write(weights);
                AddNode(model.Graph, "MatMul", $"product_{layer}", value, $"weight_{layer}");
                AddNode(model.Graph, "Relu", $"active_{layer}", $"product_{layer}");
                AddNode(model.Graph, "Identity", value = $"layer_{layer}", $"active_{layer}");
            }

            AddNode(model.Graph, "Relu", "y", value);
        }

        model.Graph.Output.Add(Info("y"));
        File.WriteAllBytes(path, model.ToByteArray());
        if (inside)
        {
            Model.Load(path).Save(path);
            File.Delete(external);
        }
    }

    private static ValueInfoProto Info(string name)
    {
        TensorShapeProto shape = new();
        shape.Dim.Add([new() { DimParam = "batch" }, new() { DimValue = Width }]);
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)ElementType.Float, Shape = shape } } };
    }

    private static TensorProto External(string name, string location, long offset, int length)
    {
        TensorProto tensor = new() { Name = name, DataType = (int)ElementType.Float, Dims = { Width, Width }, DataLocation = 1 };
        foreach ((string key, string value) in new[] { ("location", location), ("offset", $"{offset}"), ("length", $"{length}") })
        {
            tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
        }

        return tensor;
    }

    private static void AddNode(GraphProto graph, string operation, string output, params string[] inputs)
    {
        NodeProto node = new() { OpType = operation, Output = { output } };
        node.Input.Add(inputs);
        graph.Node.Add(node);
    }

    private static byte[] RandomWeights()
    {
        Random random = new(1);
        float[] weights = new float[Width * Width];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = random.NextSingle() - 0.5f;
        }

        return MemoryMarshal.AsBytes(weights.AsSpan()).ToArray();
    }

    private static long SizeOf(string folder) => new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length);
}
