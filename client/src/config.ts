import * as vscode from 'vscode';

/**
 * The settings the client itself needs, read anew each time; the server asks for its own. Values of a wrong type
 * count as absent: the server is the one that complains about them.
 */
export class Config {
  /** Whether Parafill does anything at all. */
  get enabled(): boolean {
    return this.flag('enable');
  }

  /** Whether ghost text comes by itself, rather than on request only. */
  get automatic(): boolean {
    return this.flag('enableAutomaticCompletions');
  }

  /** Switches automatic completion for the person, in every workspace. */
  async setAutomatic(automatic: boolean): Promise<void> {
    const section = vscode.workspace.getConfiguration('parafill');
    // A workspace that sets it wins over the person's own setting, so the change has to go there.
    const inWorkspace = section.inspect('enableAutomaticCompletions')?.workspaceValue !== undefined;
    const target = inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
    await section.update('enableAutomaticCompletions', automatic, target);
  }

  private flag(name: string): boolean {
    return vscode.workspace.getConfiguration('parafill').get<unknown>(name) !== false;
  }
}
