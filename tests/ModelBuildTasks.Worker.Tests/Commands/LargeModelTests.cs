using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Onnx.Schema;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

/// <summary>
/// A model over 2 GB all the way through the program. Where its tables are equal, simplification leaves one, and the artifact is one file. They are holes in a sparse file, which takes no
/// time to write. Rows are looked up rather than multiplied, as ONNX Runtime itself keeps packed copies of what is multiplied.
/// </summary>
[TestClass]
public sealed class LargeModelTests : IDisposable
{
    private const long MiB = 1 << 20;

    private const int Width = 128;

    private const long Rows = TableBytes / Width / sizeof(float);

    private const long TableBytes = 64 * MiB;

    private const int Tables = 33;

    private const long MostMemory = 600 * MiB;

    private readonly Workplace place = new();

    public required TestContext TestContext { get; init; }

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task A_model_over_2_GB_goes_through_in_less_than_600_MB()
    {
        // File systems without holes hold the whole data; the artifact is there three times over, in the making and in the cache.
        RequireDisk((Tables + 4) * TableBytes);
        WriteModel(tablesDiffer: false);

        await Optimize();

        Assert.IsInRange(TableBytes, TableBytes + MiB, new FileInfo(place.OutputPath).Length);
    }

    [TestMethod]
    public async Task A_model_that_stays_over_2_GB_is_two_files_and_takes_no_more_memory()
    {
        RequireDisk(3 * (Tables + 1) * TableBytes);
        WriteModel(tablesDiffer: true);

        await Optimize();

        using ModelSession session = ModelSession.Open(place.OutputPath);
        float[] sums = session.Run([Tensor.Create([1, Width], new float[Width])])[0].ToSingles();
        Assert.AreEqual(Enumerable.Range(1, Tables).Sum(), sums[0]);
        Assert.IsGreaterThan(2_000_000_000, Model.Load(place.OutputPath).ExternalDataFiles.Sum(file => new FileInfo(file).Length));
    }

    private void RequireDisk(long bytes)
    {
        long free = new DriveInfo(place.Folder).AvailableFreeSpace;
        if (free < bytes)
        {
            Assert.Inconclusive($"The test may need {bytes / MiB} MiB of disk; '{place.Folder}' has {free / MiB}.");
        }
    }

    private async Task Optimize()
    {
        using Process worker = ModelBuildProcess.Start(
            "optimize", place.ModelPath, "--output", place.OutputPath, "--cache", place.Cache, "--measurement", "Skip", "--precision", "Float32");
        Task<string> output = worker.StandardOutput.ReadToEndAsync(TestContext.CancellationToken);
        Task<string> errors = worker.StandardError.ReadToEndAsync(TestContext.CancellationToken);
        long peak = await PeakOf(worker);

        Assert.AreEqual(0, worker.ExitCode, await output + await errors);
        Assert.IsGreaterThan(0, peak);
        Assert.IsLessThan(MostMemory, peak);
        TestContext.WriteLine($"Peak: {peak / MiB} MiB.");
    }

    /// <summary>The most anonymous memory that a sample found: pages of mapped files are taken back when something else needs them.</summary>
    private async Task<long> PeakOf(Process process)
    {
        long peak = 0;
        Task exit = process.WaitForExitAsync(TestContext.CancellationToken);
        while (!exit.IsCompleted)
        {
            peak = Math.Max(peak, AnonymousMemory(process));
            await Task.WhenAny(exit, Task.Delay(10, TestContext.CancellationToken));
        }

        await exit;
        return peak;
    }

    private static long AnonymousMemory(Process process)
    {
        if (!OperatingSystem.IsLinux())
        {
            process.Refresh();
            return process.HasExited ? 0 : process.PrivateMemorySize64;
        }

        const string Field = "RssAnon:";
        try
        {
            string? line = File.ReadLines($"/proc/{process.Id}/status").FirstOrDefault(text => text.StartsWith(Field, StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            // It has just ended.
            return 0;
        }
    }

    /// <summary>y = x + Σ tableᵢ[argmax x].</summary>
    /// <param name="tablesDiffer">Whether each table begins with its number, from 1; all else is 0.</param>
    private void WriteModel(bool tablesDiffer)
    {
        ModelProto model = new() { IrVersion = 8, Graph = new GraphProto { Name = "tables" }, OpsetImport = { new OperatorSetIdProto { Version = 17 } } };
        model.Graph.Input.Add(Info("x"));
        NodeProto row = Node("ArgMax", "row", "x");
        row.Attribute.Add([new AttributeProto { Name = "axis", Type = 2, I = 1 }, new AttributeProto { Name = "keepdims", Type = 2, I = 0 }]);
        model.Graph.Node.Add(row);
        string sum = "x";
        string data = Path.GetFileName(place.ModelPath) + ".data";
        for (int i = 0; i < Tables; i++)
        {
            TensorProto table = new() { Name = $"table_{i}", DataType = (int)ElementType.Float, Dims = { Rows, Width }, DataLocation = 1 };
            foreach ((string key, string value) in new[] { ("location", data), ("offset", $"{i * TableBytes}"), ("length", $"{TableBytes}") })
            {
                table.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
            }

            model.Graph.Initializer.Add(table);
            model.Graph.Node.Add(Node("Gather", $"found_{i}", table.Name, "row"));
            model.Graph.Node.Add(Node("Add", $"sum_{i}", sum, $"found_{i}"));
            sum = $"sum_{i}";
        }

        model.Graph.Output.Add(Info(sum));
        File.WriteAllBytes(place.ModelPath, model.ToByteArray());
        using (FileStream holes = File.Create(place[data]))
        {
            holes.SetLength(Tables * TableBytes);
            for (int i = 0; i < (tablesDiffer ? Tables : 0); i++)
            {
                holes.Position = i * TableBytes;
                holes.Write(BitConverter.GetBytes(i + 1f));
            }
        }

        // What was written just now is read again after the work, in case that it changed meanwhile.
        File.SetLastWriteTimeUtc(place.ModelPath, DateTime.UtcNow.AddDays(-1));
        File.SetLastWriteTimeUtc(place[data], DateTime.UtcNow.AddDays(-1));
    }

    private static NodeProto Node(string operation, string output, params string[] inputs) => new() { OpType = operation, Input = { inputs }, Output = { output } };

    private static ValueInfoProto Info(string name)
    {
        TensorShapeProto shape = new() { Dim = { new TensorShapeProto.Types.Dimension { DimParam = "N" }, new TensorShapeProto.Types.Dimension { DimValue = Width } } };
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new() { ElemType = (int)ElementType.Float, Shape = shape } } };
    }
}
