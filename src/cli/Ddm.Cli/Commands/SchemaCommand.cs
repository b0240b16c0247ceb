using System.CommandLine;
using Ddm.Runs;

namespace Ddm.Cli;

/// <summary><c>ddm schema</c>: the JSON schema of run specs.</summary>
internal static class SchemaCommand
{
    public static Command Create()
    {
        var command = new Command("schema", "Print the JSON schema of run specs, for editors. Example: ddm schema > ddm-run.schema.json");
        command.SetAction(_ =>
        {
            Console.Write(RunSpecSchema.Write());
            return CommandHost.Success;
        });
        return command;
    }
}
