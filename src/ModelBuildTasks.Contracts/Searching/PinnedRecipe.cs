using System;
using System.Collections.Generic;
using System.IO;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts.Searching;

/// <summary>
/// How an artifact was made: all that was left open by the settings, as it was decided. With it the same source, settings and data give the artifact again without a search. Choices have the names and values of
/// the metadata that would make them.
/// </summary>
public sealed class PinnedRecipe
{
    /// <summary>Whether the source model ships as it is.</summary>
    public bool IsSource { get; set; }

    public Precision Precision { get; set; }

    public Quantization Quantization { get; set; }

    public Calibration Calibration { get; set; }

    /// <summary>Whether which way weights are rounded was learned.</summary>
    public bool LearnedRounding { get; set; }

    public Pruning Pruning { get; set; }

    /// <summary>Share of the channels or weights that are removed, 0 to 1.</summary>
    public double Sparsity { get; set; }

    /// <summary>Layers that were left out of the choice before it was made, for integers in them were measured slower; by their names in plans.</summary>
    public IReadOnlyList<string> SlowerLayers { get; set; } = [];

    /// <summary>Nodes that stay in float though integer kernels fit them, by the name of their first output; null where none was chosen.</summary>
    public IReadOnlyList<string>? FloatNodes { get; set; }

    /// <summary>Whether <see cref="FloatNodes"/> were chosen by accuracy, so that nothing inside branches and loops computes in integers.</summary>
    public bool IsJudged { get; set; }

    /// <summary>The training that was chosen where the project leaves that open; <see cref="FineTune.None"/> elsewhere.</summary>
    public FineTune FineTune { get; set; }

    /// <summary>What training made, by the SHA-256 of the trained model, one for each pass that trained, in order. Empty where nothing was trained.</summary>
    public IReadOnlyList<string> TrainedWeights { get; set; } = [];

    /// <summary>What of it may be tried on another model: names of layers and nodes, and weights, are of this one.</summary>
    public PinnedRecipe ForAnotherModel() =>
        new() { IsSource = IsSource, Precision = Precision, Quantization = Quantization, Calibration = Calibration, LearnedRounding = LearnedRounding, Pruning = Pruning, Sparsity = Sparsity, FineTune = FineTune };

    /// <summary>The same choices with what training made of them now.</summary>
    public PinnedRecipe With(IReadOnlyList<string> trainedWeights)
    {
        var copy = (PinnedRecipe)MemberwiseClone();
        copy.TrainedWeights = trainedWeights;
        return copy;
    }

    /// <summary>Whether two recipes make the same; so do two that are unknown.</summary>
    public static bool AreSame(PinnedRecipe? a, PinnedRecipe? b) => a?.ToJson() == b?.ToJson();

    /// <exception cref="InvalidDataException">A member is of another kind, or has a value that no recipe has.</exception>
    internal static PinnedRecipe? Read(JsonObject? json) => json is null ? null : Checked(json, new PinnedRecipe
    {
        IsSource = json.Flag(Name(nameof(IsSource))),
        Precision = json.Choice<Precision>(Name(nameof(Precision))),
        Quantization = json.Choice<Quantization>(Name(nameof(Quantization))),
        Calibration = json.Choice<Calibration>(Name(nameof(Calibration))),
        LearnedRounding = json.Flag(Name(nameof(LearnedRounding))),
        Pruning = PruningOf(json),
        Sparsity = SparsityOf(json),
        SlowerLayers = json.Texts(Name(nameof(SlowerLayers))),
        FloatNodes = json.Has(Name(nameof(FloatNodes))) ? json.Texts(Name(nameof(FloatNodes))) : null,
        IsJudged = json.Flag(Name(nameof(IsJudged))),
        FineTune = FineTuneOf(json),
        TrainedWeights = TrainedWeightsOf(json),
    });

    /// <summary>What differs from the defaults: a lock file is read by people.</summary>
    internal void Write(JsonWriter json)
    {
        AddFlag(nameof(IsSource), IsSource);
        AddText(nameof(Precision), Precision == default ? null : Precision.ToString());
        AddText(nameof(Quantization), Quantization == default ? null : Quantization.ToString());
        AddText(nameof(Calibration), Calibration == default ? null : Calibration.ToString());
        AddFlag(nameof(LearnedRounding), LearnedRounding);
        AddText(nameof(Pruning), Pruning == default ? null : Pruning.ToString());
        if (Sparsity > 0)
        {
            json.Add(Name(nameof(Sparsity)), (double?)Sparsity);
        }

        if (SlowerLayers.Count > 0)
        {
            json.Texts(Name(nameof(SlowerLayers)), SlowerLayers);
        }

        if (FloatNodes is not null)
        {
            json.Texts(Name(nameof(FloatNodes)), FloatNodes);
        }

        AddFlag(nameof(IsJudged), IsJudged);
        AddText(nameof(FineTune), FineTune == default ? null : FineTune.ToString());
        if (TrainedWeights.Count > 0)
        {
            json.Texts(Name(nameof(TrainedWeights)), TrainedWeights);
        }

        void AddText(string member, string? value)
        {
            if (value is not null)
            {
                json.Add(Name(member), value);
            }
        }

        void AddFlag(string member, bool value)
        {
            if (value)
            {
                json.Add(Name(member), value);
            }
        }
    }

    internal string ToJson() => new JsonWriter().Object(Write).ToString();

    /// <exception cref="InvalidDataException">No recipe has these numbers.</exception>
    private static PinnedRecipe Checked(JsonObject json, PinnedRecipe recipe)
    {
        var isKnown = recipe.Precision switch
        {
            Precision.Auto => recipe.Quantization != Quantization.WeightOnly,
            Precision.Int8 => recipe.Quantization != Quantization.None,
            Precision.Int4 => recipe.Quantization is Quantization.WeightOnly or Quantization.Static,
            Precision.Int2 or Precision.Binary => recipe.Quantization == Quantization.WeightOnly,
            _ => recipe.Quantization == Quantization.Auto,
        };
        var name = Name(nameof(Quantization));
        return isKnown ? recipe : throw JsonFault.At(Math.Max(json.LineOf(name), json.LineOf(Name(nameof(Precision)))), $"'{name}' is {recipe.Quantization}, which no recipe with the precision {recipe.Precision} has");
    }

    private static Pruning PruningOf(JsonObject json)
    {
        var name = Name(nameof(Pruning));
        var pruning = json.Choice<Pruning>(name);
        return pruning is Pruning.None or Pruning.Structured or Pruning.SecondOrder ? pruning
            : throw JsonFault.At(json.LineOf(name), $"'{name}' is {pruning}, which no search chooses; {Pruning.Structured} or {Pruning.SecondOrder} was expected");
    }

    private static double SparsityOf(JsonObject json)
    {
        var name = Name(nameof(Sparsity));
        var share = json.Number(name) ?? 0;
        return share is >= 0 and <= 1 ? share : throw JsonFault.At(json.LineOf(name), $"'{name}' is {json.Value(name)}, and a share is from 0 to 1");
    }

    private static FineTune FineTuneOf(JsonObject json)
    {
        var name = Name(nameof(FineTune));
        var fineTune = json.Choice<FineTune>(name);
        return fineTune != FineTune.Auto ? fineTune : throw JsonFault.At(json.LineOf(name), $"'{name}' is {fineTune}, which is no choice; {FineTune.Distill} or {FineTune.QuantizationAware} was expected");
    }

    // They become parts of file names.
    private static List<string> TrainedWeightsOf(JsonObject json)
    {
        var name = Name(nameof(TrainedWeights));
        var hashes = json.Texts(name);
        return hashes.Find(hash => !ContentHash.IsHash(hash)) is { } other ? throw JsonFault.At(json.LineOf(name), $"'{name}' has \"{other}\", which is no SHA-256: 64 lower-case hexadecimal digits were expected") : hashes;
    }

    private static string Name(string member) => char.ToLowerInvariant(member[0]) + member.Substring(1);
}
