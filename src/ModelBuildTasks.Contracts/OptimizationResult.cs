using System.Collections.Generic;
using System.IO;
using ModelBuildTasks.Contracts.Json;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// What became of one <see cref="OptimizationRequest"/>. Written last, after the artifact; a result that exists is complete.
/// Builds read it again and again: every diagnostic in it is replayed until the request changes.
/// </summary>
public sealed class OptimizationResult
{
    private const int Version = 1;

    /// <summary>Whether an artifact was produced. A broken budget does not undo this; it is a diagnostic.</summary>
    public bool Succeeded { get; set; }

    /// <summary>Full path of the source model.</summary>
    public string Model { get; set; } = "";

    public string Target { get; set; } = "";

    /// <summary>Full path of the artifact; null when none was produced.</summary>
    public string? ArtifactPath { get; set; }

    /// <summary>SHA-256 of the file at <see cref="ArtifactPath"/>, lower-case hexadecimal.</summary>
    public string? ArtifactSha256 { get; set; }

    /// <summary>The name of the file beside the artifact that holds its weights, which tells what that holds; null where the artifact is one file.</summary>
    public string? ExternalData { get; set; }

    /// <summary>Whether the file at <see cref="ArtifactPath"/> is the artifact compressed.</summary>
    public bool IsCompressed { get; set; }

    public bool FromCache { get; set; }

    /// <summary>What ONNX Runtime must be built with to run an artifact in ORT format, as <see cref="Contracts.RequiredOperators"/> writes it; empty for others.</summary>
    public IReadOnlyList<string> RequiredOperators { get; set; } = [];

    /// <summary>Every step that was considered, in order, the ones that did not apply included.</summary>
    public IList<RecipeStep> Recipe { get; } = [];

    public ModelFigures? Original { get; set; }

    public ModelFigures? Optimized { get; set; }

    /// <summary>Null when accuracy was not measured.</summary>
    public AccuracyDrop? AccuracyDrop { get; set; }

    /// <summary>Null when accuracy was not measured.</summary>
    public AccuracyDetails? AccuracyDetails { get; set; }

    public LatencyRatio? LatencyRatio { get; set; }

    /// <summary>The slowest operators before and after; null when latency was not measured.</summary>
    public OperatorProfile? Profile { get; set; }

    /// <summary>What another device found out about the artifact, where this build measured no latency; null without it.</summary>
    public DeviceMeasurement? Device { get; set; }

    /// <summary>Null when nothing was quantized with calibration samples.</summary>
    public QuantizationDecisions? Quantization { get; set; }

    /// <summary>The plan of the best recipe that was tried, where nothing quantized ships: <see cref="Recipe"/> says why it was given up. Null when there was none.</summary>
    public QuantizationDecisions? TriedQuantization { get; set; }

    /// <summary>How the artifact was made, for the lock file; null where nothing was made.</summary>
    public PinnedRecipe? Pinned { get; set; }

    /// <summary>What was tried; null where nothing was searched for.</summary>
    public SearchAccount? Search { get; set; }

    /// <summary>The distribution of each channel of the inputs at calibration; empty without calibration data.</summary>
    public IList<CalibratedInput> CalibratedInputs { get; } = [];

    /// <summary>A verdict for each budget that is written.</summary>
    public IList<JudgedBudget> Budgets { get; } = [];

    public IList<Diagnostic> Diagnostics { get; } = [];

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is not a result of this version.</exception>
    public static OptimizationResult Read(string path) => ContractFile.Read(path, Version, Read);

    /// <summary>Replaces the file whole, or leaves it as it was.</summary>
    public void Write(string path) => WholeFile.Write(path, ToJson());

    /// <exception cref="InvalidDataException">The text is not a result of this version.</exception>
    internal static OptimizationResult FromJson(string text) => ContractFile.Parse(text, Version, Read);

    internal string ToJson() => new JsonWriter().Object(json => json
        .Add(nameof(Version), Version)
        .Add(nameof(Succeeded), Succeeded)
        .Add(nameof(Model), Model)
        .Add(nameof(Target), Target)
        .Add(nameof(ArtifactPath), ArtifactPath)
        .Add(nameof(ArtifactSha256), ArtifactSha256)
        .Add(nameof(ExternalData), ExternalData)
        .Add(nameof(IsCompressed), IsCompressed)
        .Add(nameof(FromCache), FromCache)
        .Texts(nameof(RequiredOperators), RequiredOperators)
        .Objects(nameof(Recipe), Recipe, (step, inner) => step.Write(inner))
        .Object(nameof(Original), Original is null ? null : Original.Write)
        .Object(nameof(Optimized), Optimized is null ? null : Optimized.Write)
        .Object(nameof(AccuracyDrop), AccuracyDrop is null ? null : AccuracyDrop.Write)
        .Object(nameof(AccuracyDetails), AccuracyDetails is null ? null : AccuracyDetails.Write)
        .Object(nameof(LatencyRatio), LatencyRatio is null ? null : LatencyRatio.Write)
        .Object(nameof(Profile), Profile is null ? null : Profile.Write)
        .Object(nameof(Device), Device is null ? null : Device.Write)
        .Object(nameof(Quantization), Quantization is null ? null : Quantization.Write)
        .Object(nameof(TriedQuantization), TriedQuantization is null ? null : TriedQuantization.Write)
        .Object(nameof(Pinned), Pinned is null ? null : Pinned.Write)
        .Object(nameof(Search), Search is null ? null : Search.Write)
        .Objects(nameof(CalibratedInputs), CalibratedInputs, (input, inner) => input.Write(inner))
        .Objects(nameof(Budgets), Budgets, (budget, inner) => budget.Write(inner))
        .Objects(nameof(Diagnostics), Diagnostics, (diagnostic, inner) => diagnostic.Write(inner))).ToString();

    private static OptimizationResult Read(JsonObject json)
    {
        var result = new OptimizationResult
        {
            Succeeded = json.Flag(nameof(Succeeded)),
            Model = json.Text(nameof(Model)) ?? "",
            Target = json.Text(nameof(Target)) ?? "",
            ArtifactPath = json.Text(nameof(ArtifactPath)),
            ArtifactSha256 = json.Text(nameof(ArtifactSha256)),
            ExternalData = json.Text(nameof(ExternalData)),
            IsCompressed = json.Flag(nameof(IsCompressed)),
            FromCache = json.Flag(nameof(FromCache)),
            RequiredOperators = json.Texts(nameof(RequiredOperators)),
            Original = ModelFigures.Read(json.Object(nameof(Original))),
            Optimized = ModelFigures.Read(json.Object(nameof(Optimized))),
            AccuracyDrop = AccuracyDrop.Read(json.Object(nameof(AccuracyDrop))),
            AccuracyDetails = AccuracyDetails.Read(json.Object(nameof(AccuracyDetails))),
            LatencyRatio = LatencyRatio.Read(json.Object(nameof(LatencyRatio))),
            Profile = OperatorProfile.Read(json.Object(nameof(Profile))),
            Device = json.Object(nameof(Device)) is { } device ? DeviceMeasurement.Read(device) : null,
            Quantization = QuantizationDecisions.Read(json.Object(nameof(Quantization))),
            TriedQuantization = QuantizationDecisions.Read(json.Object(nameof(TriedQuantization))),
            Pinned = PinnedRecipe.Read(json.Object(nameof(Pinned))),
            Search = SearchAccount.Read(json.Object(nameof(Search))),
        };
        foreach (var step in json.Objects(nameof(Recipe)))
        {
            result.Recipe.Add(RecipeStep.Read(step));
        }

        foreach (var input in json.Objects(nameof(CalibratedInputs)))
        {
            result.CalibratedInputs.Add(CalibratedInput.Read(input));
        }

        foreach (var budget in json.Objects(nameof(Budgets)))
        {
            result.Budgets.Add(JudgedBudget.Read(budget));
        }

        foreach (var diagnostic in json.Objects(nameof(Diagnostics)))
        {
            result.Diagnostics.Add(Diagnostic.Read(diagnostic));
        }

        return result;
    }
}
