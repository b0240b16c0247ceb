using System.CommandLine;
using Ddm.Runs;

namespace Ddm.Cli;

/// <summary>What commands that hold experts in memory have in common.</summary>
internal static class ExpertOptions
{
    /// <summary>The option of <see cref="Weights"/>.</summary>
    public const string WeightsName = "--expert-weights";

    /// <summary>What experts are kept as.</summary>
    public static Option<string?> Weights()
        => new(WeightsName) { Description = "What experts are kept as in memory: fp32, or bf16, which takes half of it, draws slightly other pictures, and more slowly on processors [default: fp32]", HelpName = "TYPE" };

    /// <summary>An error about a setting as one about the option that set it.</summary>
    public static UserErrorException InWordsOfOptions(UserErrorException error, params (string Setting, string Option)[] names)
        => new(names.Aggregate(error.Message, (message, name) => message.Replace(name.Setting, name.Option, StringComparison.Ordinal)), error);
}
